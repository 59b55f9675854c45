"""The playground as a web page: its server, the stream of what happens, and the page itself."""
