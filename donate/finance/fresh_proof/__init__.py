"""Fresh proof: people prove again that it is them, before they change how somebody signs in."""
