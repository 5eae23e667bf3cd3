//! Something that those who deal with one VM share, for as long as one of them has it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use uuid::Uuid;

/// By the VM's id. One that nobody has any more is forgotten.
pub(super) struct PerVm<T>(Mutex<HashMap<Uuid, Weak<T>>>);

impl<T> Default for PerVm<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default> PerVm<T> {
    /// The VM's own; made anew where nobody has it.
    pub(super) fn get(&self, id: Uuid) -> Arc<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, one| one.strong_count() > 0);
        let one = all.get(&id).and_then(Weak::upgrade).unwrap_or_default();
        all.insert(id, Arc::downgrade(&one));
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_for_a_vm_and_gone_with_its_last_holder() {
        let all = PerVm::<Mutex<u32>>::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let held = all.get(one);
        assert!(Arc::ptr_eq(&held, &all.get(one)));
        assert!(!Arc::ptr_eq(&held, &all.get(other)));
        assert!(Arc::ptr_eq(&held, &all.get(one)));
        drop(held);
        all.get(other);
        assert_eq!(all.0.lock().expect("whole").len(), 1);
    }
}
