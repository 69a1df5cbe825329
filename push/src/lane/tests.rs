//! Lanes as their users see them.
