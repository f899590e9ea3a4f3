//! allclear (architecture text follows)

pub mod domain;
