"""The JSON API, with which programs open gifts, read gifts, and read what a region offers."""
