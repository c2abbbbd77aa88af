//! freehold-testing
