//! Who is looking, and who of them owns the size.
//!
//! The first to attach owns it, then whoever takes it; when the owner leaves, the longest attached
//! inherits it, and gives it back when the same client returns (a lost connection is no change of
//! owner). Those who may only watch never own it.

use super::{input::ClientId, limits::Size};

/// One attached viewer.
#[derive(Clone, Copy, Debug)]
struct Seat {
    id: u64,
    client: ClientId,
    size: Size,
    watch_only: bool,
}

/// The viewers of a shell, in the order they came.
#[derive(Debug, Default)]
pub struct Seats {
    seats: Vec<Seat>,
    next_id: u64,
    owner: Option<u64>,
    /// The client from whom the present owner inherited.
    inherited_from: Option<ClientId>,
}

impl Seats {
    /// Nobody is here yet of a shell whose size belongs to this client.
    pub fn of(owner: Option<ClientId>) -> Self {
        Self {
            inherited_from: owner,
            ..Self::default()
        }
    }

    /// To whom the size belongs, here or away.
    pub fn owner(&self) -> Option<ClientId> {
        let here = self.seats.iter().find(|seat| Some(seat.id) == self.owner);
        self.inherited_from.or(here.map(|seat| seat.client))
    }

    /// Who only watches counts, too.
    pub fn count(&self) -> usize {
        self.seats.len()
    }

    /// Whether the PTY has this viewer's size.
    pub fn is_owner(&self, seat: u64) -> bool {
        self.owner == Some(seat)
    }

    /// Seats a viewer. The second is the size that the PTY should take now, if it should.
    pub fn attach(
        &mut self,
        client: ClientId,
        size: Size,
        watch_only: bool,
    ) -> (u64, Option<Size>) {
        let id = self.next_id;
        self.next_id += 1;
        self.seats.push(Seat {
            id,
            client,
            size,
            watch_only,
        });
        // The same client again: its former connection is lost, though it may not know yet.
        let owner = self.owner;
        let was_owner = self
            .seats
            .iter()
            .any(|seat| Some(seat.id) == owner && seat.client == client);
        let returns = was_owner || self.inherited_from == Some(client);
        if watch_only || (self.owner.is_some() && !returns) {
            return (id, None);
        }
        self.owner = Some(id);
        // Whoever comes before the owner does is an heir like others.
        if returns && !was_owner {
            self.inherited_from = None;
        }
        (id, Some(size))
    }

    /// The seat to type from that this client took last. Watching under another's name changes nothing
    /// for them.
    pub fn newest_of(&self, client: ClientId) -> Option<u64> {
        let seats = self.seats.iter().rev();
        seats
            .filter(|seat| seat.client == client && !seat.watch_only)
            .map(|seat| seat.id)
            .next()
    }

    /// True for a client that may type and is here, or to whom the size goes back when it returns.
    pub fn needs(&self, client: ClientId) -> bool {
        self.inherited_from == Some(client) || self.newest_of(client).is_some()
    }

    /// A viewer has left; the heir's size, where there is one.
    pub fn leave(&mut self, seat: u64) -> Option<Size> {
        let at = self.seats.iter().position(|other| other.id == seat)?;
        let left = self.seats.remove(at);
        if self.owner != Some(seat) {
            return None;
        }
        let heir = self.seats.iter().find(|other| !other.watch_only);
        self.owner = heir.map(|heir| heir.id);
        // Through a chain of heirs it still belongs to the first.
        self.inherited_from = self.inherited_from.or(Some(left.client));
        heir.map(|heir| heir.size)
    }

    /// A viewer's window has another size; it is the PTY's only if the viewer owns it.
    pub fn resize(&mut self, seat: u64, size: Size) -> Option<Size> {
        let owns = self.is_owner(seat);
        let viewer = self.seats.iter_mut().find(|other| other.id == seat)?;
        viewer.size = size;
        owns.then_some(size)
    }

    /// A viewer wants to own the size.
    pub fn take(&mut self, seat: u64) -> Option<Size> {
        let viewer = self.seats.iter().find(|other| other.id == seat)?;
        if viewer.watch_only {
            return None;
        }
        self.owner = Some(seat);
        self.inherited_from = None;
        Some(viewer.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(cols: u16) -> Size {
        Size { cols, rows: 24 }
    }

    fn seat(seats: &mut Seats, client: u64, cols: u16) -> (u64, Option<Size>) {
        seats.attach(ClientId(client), size(cols), false)
    }

    #[test]
    fn only_the_owner_changes_the_size() {
        let mut seats = Seats::default();
        let (a, first) = seat(&mut seats, 1, 80);
        let (b, second) = seat(&mut seats, 2, 100);
        assert_eq!((first, second), (Some(size(80)), None));
        assert_eq!(seats.resize(b, size(120)), None);
        assert_eq!(seats.resize(a, size(90)), Some(size(90)));
        assert_eq!(seats.take(b), Some(size(120)));
        assert_eq!(seats.resize(a, size(91)), None);
    }

    #[test]
    fn the_longest_attached_inherits_and_gives_back() {
        let mut seats = Seats::default();
        let (a, _) = seat(&mut seats, 1, 80);
        let (b, _) = seat(&mut seats, 2, 100);
        seat(&mut seats, 3, 110);
        assert_eq!(seats.leave(a), Some(size(100)));
        assert!(seats.is_owner(b));
        let (again, sized) = seat(&mut seats, 1, 81);
        assert_eq!(sized, Some(size(81)));
        assert!(seats.is_owner(again));
    }

    #[test]
    fn who_comes_back_before_the_owner_gives_the_size_to_it() {
        let mut seats = Seats::of(Some(ClientId(1)));
        let (early, sized) = seat(&mut seats, 2, 100);
        assert_eq!((sized, seats.owner()), (Some(size(100)), Some(ClientId(1))));
        let (owner, sized) = seat(&mut seats, 1, 80);
        assert_eq!(sized, Some(size(80)));
        assert!(seats.is_owner(owner) && !seats.is_owner(early));
        assert_eq!(seats.owner(), Some(ClientId(1)));
    }

    #[test]
    fn who_took_the_size_keeps_it_when_the_former_owner_returns() {
        let mut seats = Seats::default();
        let (a, _) = seat(&mut seats, 1, 80);
        let (b, _) = seat(&mut seats, 2, 100);
        seats.leave(a);
        seats.take(b);
        assert_eq!(seat(&mut seats, 1, 80).1, None);
        assert!(seats.is_owner(b));
    }

    #[test]
    fn a_new_connection_of_the_owner_owns_before_the_old_one_has_left() {
        let mut seats = Seats::default();
        let (old, _) = seat(&mut seats, 1, 80);
        seat(&mut seats, 2, 100);
        let (new, sized) = seat(&mut seats, 1, 82);
        assert_eq!(sized, Some(size(82)));
        assert_eq!(seats.newest_of(ClientId(1)), Some(new));
        assert_eq!(seats.leave(old), None);
        assert!(seats.is_owner(new));
    }

    #[test]
    fn a_watcher_never_owns_the_size() {
        let mut seats = Seats::default();
        let (watcher, sized) = seats.attach(ClientId(9), size(70), true);
        assert_eq!(sized, None);
        assert_eq!(seats.take(watcher), None);
        let (owner, sized) = seat(&mut seats, 1, 80);
        assert_eq!(sized, Some(size(80)));
        assert_eq!(seats.leave(owner), None);
    }

    #[test]
    fn a_watcher_under_anothers_name_takes_nothing_from_them() {
        let mut seats = Seats::default();
        let (owner, _) = seat(&mut seats, 1, 80);
        let (_, sized) = seats.attach(ClientId(1), size(70), true);
        assert_eq!(sized, None);
        assert_eq!(seats.newest_of(ClientId(1)), Some(owner));
        assert!(seats.is_owner(owner));
    }

    #[test]
    fn who_types_here_and_who_gets_the_size_back_is_needed() {
        let mut seats = Seats::default();
        let (a, _) = seat(&mut seats, 1, 80);
        seat(&mut seats, 2, 100);
        seats.attach(ClientId(3), size(70), true);
        let needed = |seats: &Seats| [1, 2, 3].map(|client| seats.needs(ClientId(client)));
        assert_eq!(needed(&seats), [true, true, false]);
        seats.leave(a);
        assert_eq!(needed(&seats), [true, true, false]);
    }
}
