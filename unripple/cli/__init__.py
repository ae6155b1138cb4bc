"""The command line: parse arguments, read files, call the api, write files."""
