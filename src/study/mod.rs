//! Everything that runs many simulations: replications, precision, warm-up, comparison.
