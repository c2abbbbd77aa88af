//! freehold-server
