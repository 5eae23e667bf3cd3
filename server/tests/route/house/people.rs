//! The six kinds of people, and how they move in.

use reqwest::header::SET_COOKIE;

use super::{Answer, House};

pub const PASSWORD: &str = "violet-kettle-harbour";

/// The kinds of people who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Anonymous,
    /// Has VMs of her own, but not Ann's.
    Bob,
    /// Was signed in when an admin disabled the account.
    Disabled,
    /// Signed in with a one-time password.
    MustChange,
    Admin,
    /// Shares shells of a VM of his with Ann; asks for nothing himself.
    Carl,
    /// Whose VMs it is about. Last, because her calls change them.
    Ann,
}

impl Person {
    pub fn word(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

pub const PEOPLE: [Person; 6] = [
    Person::Anonymous,
    Person::Bob,
    Person::Disabled,
    Person::MustChange,
    Person::Admin,
    Person::Ann,
];

impl House {
    pub(super) async fn people_move_in(&mut self) {
        for (person, name) in [
            (Person::Ann, "ann"),
            (Person::Bob, "bob"),
            (Person::Carl, "carl"),
            (Person::Disabled, "dora"),
            (Person::MustChange, "mia"),
        ] {
            let form = [("name", name), ("password", PASSWORD)];
            let answer = self.call(Person::Anonymous, "account_create", &form).await;
            self.keep(person, &answer);
            self.token_make(person).await;
        }
        let form = [("name", "admin"), ("password", PASSWORD)];
        let answer = self.call(Person::Anonymous, "login", &form).await;
        self.keep(Person::Admin, &answer);
        self.token_make(Person::Admin).await;
        self.good(
            Person::Admin,
            "user_disable",
            &[("name", "dora"), ("disabled", "true")],
        )
        .await;
        let reset = self
            .good(Person::Admin, "user_password_reset", &[("name", "mia")])
            .await;
        let password = reset.json().as_str().unwrap().to_owned();
        let form = [("name", "mia"), ("password", password.as_str())];
        let answer = self.call(Person::Anonymous, "login", &form).await;
        self.keep(Person::MustChange, &answer);
    }

    fn keep(&mut self, person: Person, answer: &Answer) {
        let line = answer
            .headers
            .get(SET_COOKIE)
            .unwrap_or_else(|| panic!("{person:?}: {answer:?}"));
        let pair = line.to_str().unwrap().split(';').next().unwrap();
        self.cookies.insert(person, pair.to_owned());
    }

    async fn token_make(&mut self, person: Person) {
        let body = match person {
            Person::Admin => r#"{"name": "t", "scopes": ["read", "write", "admin"]}"#,
            _ => r#"{"name": "t"}"#,
        };
        let made = self.api(person, "POST", "/api/v1/me/tokens", body).await;
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        self.tokens.insert(person, secret);
    }
}
