"""Gemini for bakeoff, through Google's own SDK."""
