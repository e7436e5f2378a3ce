"""XGBoost and LightGBM for bakeoff."""
