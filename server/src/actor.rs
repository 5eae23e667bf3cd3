//! Who acts: handed to every function that reads or changes something for somebody.

use app::model::Role;

/// A signed-in user, as control and db need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub user_id: String,
    pub name: String,
    pub role: Role,
}

impl Actor {
    /// As the role was when the request began; what is open ends when it changes.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}
