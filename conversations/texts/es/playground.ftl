### The playground's page in Spanish. The bot itself speaks English so far, in its chats and in the table of readers.

page-title = Apoyo entre colegas, para probar
page-about = Vea cómo se reúne a un profesional con un colega formado, en un hospital de mentira que no sale de este ordenador. El bot habla inglés.
page-skip = Ir a los chats
page-more = Más
page-people = Personas
page-messages = Mensajes
page-views = Mensajes e Inicio
page-home = Inicio
page-home-empty = Aquí aparece la página de Inicio.
page-new = nuevos
page-close = Cerrar
page-cancel = Cancelar
page-copy = Copiar
page-copy-all = Copiar todo
page-copied = Copiado.
page-copy-by-hand = Su navegador no deja usar el portapapeles. Por favor, cópielo a mano.
page-copy-chat = Copiar como .chat
page-lost = El simulador se ha detenido. Vuelva a abrirlo con: make demo
page-full = Este simulador está abierto en otras cinco pestañas, y su navegador no abre más conexiones con él. Cierre una, y esta pestaña seguirá sola.
page-not-now = No ha sido posible. Por favor, inténtelo otra vez.

## Theme and language

page-theme = Tema
page-theme-auto = Como el ordenador
page-theme-light = Claro
page-theme-dark = Oscuro
page-language = Idioma

## Starting over

page-reset = Empezar de nuevo
page-reset-sure = ¿Empezar de nuevo? Se borran los chats y todo lo que ha ocurrido hasta ahora.
page-keep-going = Seguir

## People and their chats

page-part-clinician = Profesional
page-part-peer = Colega de apoyo
page-part-coordinator = Coordinación
page-part-on-call = De guardia
page-skin = Chatea en
page-slack = Slack
page-teams = Teams
page-first = Empiece aquí. Escriba esto abajo, o púlselo:
page-quiet = Nada todavía. Aquí hay calma hasta que alguien haga falta.
page-write = Escribir al bot
page-write-slack = Escriba /peersupport
page-write-teams = Escriba peersupport
page-send = Enviar
page-bot = Apoyo entre colegas
page-edited = (editado)
page-only-you = Solo usted puede ver esto
page-dismiss = Descartar
page-who-can-read = ¿Quién puede leer esto?
page-link = Esto abre un chat privado. El bot no está en él.
page-optional = (opcional)
page-choose = Elegir
page-not-drawn = Esto no se dibuja aquí:

## The clock

page-clock = Reloj
page-push-10m = +10 min
page-push-1h = +1 h
page-push-24h = +24 h
page-push-72h = +72 h
page-next = Lo siguiente
page-next-none = No hay nada pendiente
page-coming = Lo que viene

## Behind the chats

page-behind = Detrás de los chats
page-tab-lens = Quién puede leer
page-tab-stored = Guardado
page-tab-stories = Historias
page-tab-faults = Fallos
page-tab-inspector = Inspector

page-lens = Quién puede leer
page-lens-about = Pulse «¿Quién puede leer esto?» debajo de cualquier mensaje, o elija una fila abajo.
page-lens-room = Toda la sala
page-lens-room-about = Todo lo que hace el programa, y todos los que podrían mirar.
page-lens-thing = Qué
page-lens-here = aquí ahora
page-lens-push = Una pantalla bloqueada solo muestra:
page-can = puede leerlo
page-cannot = no puede

page-stored = Lo que se guarda
page-stored-about = En el archivo, cada columna de abajo está sellada una vez más. Lo sellado de una fila solo se abre con la clave de esta sesión.
page-disk-about = El archivo del disco en este momento, byte a byte. Lo olvidado desaparece de él en un minuto del reloj.
page-held = Lo que el programa tiene de ello
page-stored-none = No se guarda nada.
page-stored-peers = No se guarda nada de quien haya pedido apoyo. Queda lo de quienes se ofrecieron como colegas de apoyo, y que un suceso ya se vio.
page-stored-all = mostrar todo

page-inspector = Inspector
page-inspector-about = Lo que llegó, lo que se decidió y lo que salió, por orden.
page-trace-none = Todavía no ha ocurrido nada.
page-step-event = suceso
page-step-decision = decisión
page-step-message = mensaje
page-step-call = llamada
page-step-time = tiempo

page-stories = Historias
page-stories-about = Los diálogos con los que se prueba este programa. Al abrir uno se empieza de nuevo y se representa en estos chats.
page-story-lines = Líneas de la historia
page-story-step = Paso
page-story-play = Reproducir
page-story-stop = Parar
page-line-done = hecho
page-line-next = sigue
page-line-later = después
page-line-failed = difiere

page-faults = Fallos
page-faults-about = Lo que puede fallar entre el bot y el mundo. Elija lo que elija, nada de lo dicho debe perderse.
page-fault-none = Funciona como debe
page-fault-slow = Responde despacio
page-fault-busy = Demasiado ocupado (429)
page-fault-down = No responde
page-twice = Entregar dos veces cada pulsación
page-restart = Reiniciar el bot
page-restart-about = El bot olvida todo lo que no ha escrito, y sigue con lo que tiene.

## What cannot be done, and why

page-refused-deed = El simulador no conoce lo que pidió la página. Por favor, vuelva a cargarla.
page-refused-token = Esta página es de otra sesión. Por favor, vuelva a cargarla.
page-refused-over = El simulador se está cerrando.
page-refused-stumbled = El simulador ha tropezado. Por favor, empiece de nuevo.
page-refused-empty = Todavía no hay nada que enviar.
page-refused-nobody = Aquí no hay nadie con ese nombre.
page-refused-gone = Eso ya no está.
page-refused-home = Teams no tiene página de Inicio.
page-refused-nothing-due = No hay nada pendiente.
page-refused-story = Por favor, abra antes una historia.
page-refused-inputs = Lo rellenado no pertenece a esa tarjeta.
page-refused-not-taken = El bot no lo ha recibido. Una persona vería un pequeño aviso y lo intentaría otra vez.
