### What cards ask, and the answers they offer. Every question is optional.

ask-about = What is it about?
ask-about-work = Something at work
ask-about-patient-died = A patient died
ask-about-lawsuit = A lawsuit
ask-about-review = A complaint or review
ask-about-violence = A threat or violence
ask-about-complaint = A complaint or lawsuit
ask-about-worn-out = Tired or burned out
ask-about-home = Something at home
ask-about-rather-not-say = Rather not say

ask-about-none = nothing about what it is

ask-how = How would you like to talk?
ask-how-any = Any way
ask-how-call = A call
ask-how-in-person = In person
ask-how-here = Here, unnamed

ask-who = Whom should we ask?
ask-who-other-department = Not from my department
ask-who-my-department-only = Only from my department, if you tell us which
ask-who-same-role = Same role as mine
ask-who-trainees-only = Only residents or trainees
ask-who-no-graders = Nobody who grades trainees
ask-who-been-through = Someone who has been through it
ask-who-may-evaluate = A supervisor or reviewer is fine too

ask-who-none = whoever can

ask-role = My role (for matching only, never shown)
ask-role-physician = Physician
ask-role-nurse = Nurse
ask-role-trainee = Resident or trainee
ask-role-midwife = Midwife
ask-role-pharmacist = Pharmacist
ask-role-therapist = Therapist
ask-role-technician = Technician
ask-role-other-role = Another role
ask-role-none = role not given

ask-department = My department (for matching only, never shown)
ask-department-emergency = Emergency
ask-department-intensive-care = Intensive care
ask-department-theatre = Operating room
ask-department-wards = Wards
ask-department-maternity = Maternity
ask-department-children = Children
ask-department-mental-health = Mental health
ask-department-clinics = Clinics
ask-department-laboratory = Laboratory and imaging
ask-department-elsewhere = Elsewhere
ask-department-none = department not given

ask-language = A language I'd like to talk in
ask-language-en = English
ask-language-es = Spanish
ask-language-fr = French
ask-language-de = German
ask-language-pt = Portuguese
ask-language-ar = Arabic
ask-language-zh = Chinese
ask-language-hi = Hindi
ask-language-tl = Tagalog

ask-language-none = no language

ask-gender = I'd rather talk with
ask-gender-woman = A woman
ask-gender-man = A man
ask-gender-non-binary = A non-binary colleague
ask-gender-none = any gender

ask-leave-out = People to leave out (shown to nobody)
ask-leave-out-names = Names to leave out, up to ten, one a line (shown to nobody)

ask-when = When suits you?
ask-when-any-time = Any time
ask-when-before-shift = Before a shift
ask-when-break = At a break
ask-when-after-shift = After a shift

ask-follow-up = Afterwards
ask-follow-up-check-in = Check in with me
ask-follow-up-nights = I'm on nights this week

ask-line = Your words

## Offering to be a peer

ask-times = When you could talk, up to three
ask-times-today-before-shift = Today, before the shift
ask-times-today-break = Today, in the break
ask-times-today-after-shift = Today, after the shift
ask-times-today-evening = Today, in the evening
ask-times-tomorrow-before-shift = Tomorrow, before the shift
ask-times-tomorrow-break = Tomorrow, in the break
ask-times-tomorrow-after-shift = Tomorrow, after the shift
ask-times-tomorrow-evening = Tomorrow, in the evening
ask-times-day-after-before-shift = The day after, before the shift
ask-times-day-after-break = The day after, in the break
ask-times-day-after-after-shift = The day after, after the shift
ask-times-day-after-evening = The day after, in the evening

ask-my-role = My role
ask-my-role-physician = { ask-role-physician }
ask-my-role-nurse = { ask-role-nurse }
ask-my-role-trainee = { ask-role-trainee }
ask-my-role-midwife = { ask-role-midwife }
ask-my-role-pharmacist = { ask-role-pharmacist }
ask-my-role-therapist = { ask-role-therapist }
ask-my-role-technician = { ask-role-technician }
ask-my-role-other-role = { ask-role-other-role }

ask-my-department = My department
ask-my-department-emergency = { ask-department-emergency }
ask-my-department-intensive-care = { ask-department-intensive-care }
ask-my-department-theatre = { ask-department-theatre }
ask-my-department-wards = { ask-department-wards }
ask-my-department-maternity = { ask-department-maternity }
ask-my-department-children = { ask-department-children }
ask-my-department-mental-health = { ask-department-mental-health }
ask-my-department-clinics = { ask-department-clinics }
ask-my-department-laboratory = { ask-department-laboratory }
ask-my-department-elsewhere = { ask-department-elsewhere }

ask-been-through = What I have been through and could talk about
ask-been-through-work = { ask-about-work }
ask-been-through-patient-died = { ask-about-patient-died }
ask-been-through-lawsuit = { ask-about-lawsuit }
ask-been-through-review = { ask-about-review }
ask-been-through-complaint = { ask-about-complaint }
ask-been-through-violence = { ask-about-violence }
ask-been-through-worn-out = { ask-about-worn-out }
ask-been-through-home = { ask-about-home }

ask-rather-not = What I would rather not take
ask-rather-not-work = { ask-about-work }
ask-rather-not-patient-died = { ask-about-patient-died }
ask-rather-not-lawsuit = { ask-about-lawsuit }
ask-rather-not-review = { ask-about-review }
ask-rather-not-complaint = { ask-about-complaint }
ask-rather-not-violence = { ask-about-violence }
ask-rather-not-worn-out = { ask-about-worn-out }
ask-rather-not-home = { ask-about-home }

ask-languages = Languages I can talk in
ask-languages-en = { ask-language-en }
ask-languages-es = { ask-language-es }
ask-languages-fr = { ask-language-fr }
ask-languages-de = { ask-language-de }
ask-languages-pt = { ask-language-pt }
ask-languages-ar = { ask-language-ar }
ask-languages-zh = { ask-language-zh }
ask-languages-hi = { ask-language-hi }
ask-languages-tl = { ask-language-tl }

ask-my-gender = I am (used only where a colleague asks for it)
ask-my-gender-woman = { ask-gender-woman }
ask-my-gender-man = { ask-gender-man }
ask-my-gender-non-binary = Non-binary
ask-my-gender-not-said = Rather not say

ask-my-hours = Hours I can be asked (none ticked means any time)
ask-my-hours-days = Weekdays 8 to 5
ask-my-hours-evenings = Weekday evenings 5 to 10
ask-my-hours-nights = Nights 10 to 8
ask-my-hours-weekends = Weekends 8 to 10

ask-shift-mon = Monday
ask-shift-tue = Tuesday
ask-shift-wed = Wednesday
ask-shift-thu = Thursday
ask-shift-fri = Friday
ask-shift-sat = Saturday
ask-shift-sun = Sunday
ask-shift-off = Not on this day
ask-shift-any-time = Any time
ask-shift-06-18 = 6 AM to 6 PM
ask-shift-07-19 = 7 AM to 7 PM
ask-shift-08-20 = 8 AM to 8 PM
ask-shift-18-06 = 6 PM to 6 AM
ask-shift-19-07 = 7 PM to 7 AM
ask-shift-20-08 = 8 PM to 8 AM
ask-shift-07-15 = 7 AM to 3 PM
ask-shift-08-16 = 8 AM to 4 PM
ask-shift-09-17 = 9 AM to 5 PM
ask-shift-15-23 = 3 PM to 11 PM
ask-shift-16-00 = 4 PM to midnight
ask-shift-23-07 = 11 PM to 7 AM
ask-shift-00-08 = Midnight to 8 AM

ask-limit = How many colleagues at once
ask-limit-1 = One
ask-limit-2 = Two
ask-limit-3 = Three
ask-limit-4 = Four
ask-limit-5 = Five

ask-ways = How I like to talk
ask-ways-call = { ask-how-call }
ask-ways-in-person = { ask-how-in-person }
ask-ways-here = { ask-how-here }

ask-showing = What may be shown
ask-showing-visible = My name, once I said yes
ask-showing-plain-push = "A colleague would like to talk" on my lock screen

ask-whom = Whom
ask-invite = People to invite
ask-invite-list = Or a list: one account in each line, such as slack:T0123ABCD:U0456EFGH; a CSV will do
ask-invite-list-2 = More of the list, if it is long
ask-invite-list-3 = And more of it
ask-invite-list-4 = The rest of the list
ask-nominate = Whom you would trust to listen
ask-safety = For safety
ask-safety-at-once = End what they do now, too, without asking first

ask-evaluates = I also
ask-evaluates-supervises = Supervise colleagues
ask-evaluates-reviews = Sit on peer review, RCA, risk, HR or credentialing
ask-evaluates-claims = Work on claims, complaints or insurance
ask-evaluates-grades = Teach or grade trainees

ask-code = The code
ask-also = Who they are here, too
ask-trained = When they were trained
ask-trained-today = Today, or in the last weeks
ask-trained-half-year = About half a year ago
ask-trained-year = About a year ago
