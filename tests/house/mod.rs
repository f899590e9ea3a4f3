//! Tests of the house itself: who uses whom, and that the documents say what the program does.

mod benches;
mod documents;
mod layering;
mod packaging;
mod readme;
