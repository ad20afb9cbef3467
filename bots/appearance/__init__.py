"""How a bot's widget looks, kept with the bot."""
