//! freehold-control
