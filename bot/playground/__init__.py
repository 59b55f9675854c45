"""The playground: the whole programme in a web page, on pretend platforms."""
