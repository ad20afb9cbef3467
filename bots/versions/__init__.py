"""What a bot was set to before: kept at every change, compared, brought back."""
