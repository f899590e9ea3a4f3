//! Both ends alone: the looking end over pipes in memory, the asking end against children that misbehave.

mod asking;
mod looking;
