use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{Access, Scope};
use crate::isolation::driver::Driver;

/// A part of a scope that can fail by itself: a savepoint.
///
/// It is used like the scope it is in. [`commit`](Self::commit) keeps what it did as part of the outer scope; dropped
/// without that, it is undone before the outer scope's next statement, and a failed statement in it no longer fails the
/// outer scope.
pub struct Nested<'s, D: Driver, A: Access> {
    scope: &'s mut Scope<D, A>,
    depth: u32,
    kept: bool,
}

impl<'s, D: Driver, A: Access> Nested<'s, D, A> {
    /// The savepoint was just set.
    pub(super) fn begun(scope: &'s mut Scope<D, A>) -> Self {
        scope.unwind = None;
        scope.depth += 1;
        Self { depth: scope.depth, scope, kept: false }
    }

    /// The savepoint was just released.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl<D: Driver, A: Access> Deref for Nested<'_, D, A> {
    type Target = Scope<D, A>;

    fn deref(&self) -> &Self::Target {
        self.scope
    }
}

impl<D: Driver, A: Access> DerefMut for Nested<'_, D, A> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.scope
    }
}

impl<D: Driver, A: Access> Drop for Nested<'_, D, A> {
    fn drop(&mut self) {
        self.scope.depth = self.depth - 1;
        if !self.kept {
            self.scope.unwind = Some(self.depth);
        }
    }
}

impl<D: Driver, A: Access> fmt::Debug for Nested<'_, D, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nested").field("depth", &self.depth).field("scope", &self.scope).finish()
    }
}
