#![doc = include_str!("../README.md")]

pub mod directory;
pub mod gate;
pub mod isolation;
pub mod tenant;
