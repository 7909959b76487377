"""Where the world is touched: spreadsheets, databases, sockets, clocks, secrets.  One room per technology."""
