//! One file per verb; opens what the user named; all printing.
