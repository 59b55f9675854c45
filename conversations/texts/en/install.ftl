# The page an administrator sees after installing the Slack app. Nobody in need reads it.

install-title = Peer support in Slack
install-done = The app is installed in your workspace. You can close this page. In Slack, type /peersupport to say hello.
install-done-organisation =
    The app is installed for your organisation. Now add it to its workspaces, in Slack's settings for administrators.
    You can close this page.
install-again =
    This page belongs to an installation that was begun elsewhere, too long ago, or ended already. Nothing was changed.
    Please begin again at /slack/install.
install-declined = In Slack, somebody chose not to install the app. Nothing was changed. You can close this page.
install-expired = Slack's permission had run out or was used already. Nothing was changed. Please begin again at /slack/install.
install-foreign =
    This workspace is not one of this programme. Nothing was kept. If it should be, ask whoever runs the programme to add it
    to SLACK_WORKSPACES.
install-organisation =
    The app is in another workspace of your organisation already. So that nobody counts as two people, whoever runs the
    programme lists the organisation in SLACK_WORKSPACES first. Nothing was kept.
install-rotation =
    Token rotation is on in the app's settings, and this programme cannot use it. Slack lets nobody switch it off again:
    make the app anew from the manifest.
install-failed = Slack did not let the app be installed. Nothing was changed. Whoever runs the programme finds why in its log.
install-later = Slack or our own store could not be reached just now. Please begin again at /slack/install in a minute.
