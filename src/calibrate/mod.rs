//! Profiles from measurements, and forecasts held against real runs.
