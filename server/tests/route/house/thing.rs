//! What they have: Ann's things, and what others need to try theirs with.

use super::{House, PASSWORD, Person, eventually};

/// Their private halves were thrown away.
pub const SSH_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIERF/2hogv7RNsw08L+0TZRm0AAHrvJXNdr7sZjvD+Vn ann@laptop";
const SSH_KEY_2: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC7MbK7RiQgEZf+Y2qdChCIJ5j1YMZwKcH7JDK/p3ylG";
/// Nobody's yet.
const SSH_KEY_3: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO6h8CnYKMRGJqcUSfUEJ1//VzX7nWpXfUEhep/BMMyv";

impl House {
    /// Two VMs, a shell, and a second place where she is signed in.
    pub(super) async fn ann_makes_things(&mut self) {
        self.node_ready().await;
        self.things.insert("public_key".into(), SSH_KEY_3.into());
        for (key, name) in [
            ("vm", "web1"),
            ("vm2", "web2"),
            ("vm3", "web5"),
            ("vm4", "web6"),
        ] {
            let form = [("name", name), ("flavor", "small"), ("image", "alpine")];
            let made = self.good(Person::Ann, "vm_create", &form).await;
            let id = made.json()["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), name.to_owned());
            self.things.insert(format!("{key}_id"), id);
            self.running(Person::Ann, name).await;
        }
        for (key, vm) in [
            ("shell", "web1"),
            ("shell2", "web1"),
            ("shell3", "web1"),
            ("shell4", "web2"),
        ] {
            let shell = self.shell_made(Person::Ann, vm).await;
            self.things.insert(key.to_owned(), shell);
        }
        let form = [("name", "ann"), ("password", PASSWORD)];
        self.call(Person::Anonymous, "login", &form).await;
        self.call(Person::Anonymous, "login", &form).await;
        let list = self
            .get_function(Person::Ann, "login_session_list", &[])
            .await
            .json();
        let sessions = find_array(&list).unwrap();
        let others = sessions
            .iter()
            .filter(|session| session["current"] == false);
        for (key, other) in ["session", "session2"].into_iter().zip(others) {
            let id = other["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), id);
        }
        for key in ["token_id", "token2_id"] {
            let made = self
                .api(Person::Ann, "POST", "/api/v1/me/tokens", r#"{"name": "t"}"#)
                .await;
            let id = made.json()["token"]["id"].as_str().unwrap().to_owned();
            self.things.insert(key.to_owned(), id);
        }
        self.ann_adds_keys().await;
        self.shells_are_shared().await;
    }

    /// Ann invites to a shell of hers, twice, and has accepted two invitations of Carl's.
    async fn shells_are_shared(&mut self) {
        let shell = self.things["shell4"].clone();
        for (key, id_key) in [
            ("invitation", "invitation_id"),
            ("invitation2", "invitation2_id"),
        ] {
            let (token, id) = self.invited(Person::Ann, &shell).await;
            self.things.insert(key.to_owned(), token);
            self.things.insert(id_key.to_owned(), id);
        }
        let form = [("name", "lab1"), ("flavor", "small"), ("image", "alpine")];
        self.good(Person::Carl, "vm_create", &form).await;
        self.running(Person::Carl, "lab1").await;
        for key in ["grant", "grant2"] {
            let shell = self.shell_made(Person::Carl, "lab1").await;
            let (token, _) = self.invited(Person::Carl, &shell).await;
            let form = [("token", token.as_str())];
            let page = self.good(Person::Ann, "shell_grant_create", &form).await;
            let page = page.json().as_str().unwrap().to_owned();
            let id = page.strip_prefix("/shared/").unwrap().to_owned();
            self.things.insert(key.to_owned(), id);
        }
        self.carl_invites().await;
    }

    /// Links to a shell of Carl's, one for each who may accept one in the list of routes.
    async fn carl_invites(&mut self) {
        let shell = self.shell_made(Person::Carl, "lab1").await;
        for person in [Person::Bob, Person::Admin, Person::Ann] {
            let (token, _) = self.invited(Person::Carl, &shell).await;
            self.things.insert(format!("link_{}", person.word()), token);
        }
    }

    /// A new invitation to watch that shell: the token in its link, and its id.
    pub async fn invited(&self, owner: Person, shell: &str) -> (String, String) {
        let form = [("shell", shell), ("mode", "watch")];
        let made = self.good(owner, "shell_invitation_create", &form).await;
        let made = made.json();
        let (_, token) = made["link"].as_str().unwrap().rsplit_once('/').unwrap();
        let id = made["invitation"]["id"].as_str().unwrap();
        (token.to_owned(), id.to_owned())
    }

    /// Keys of hers to sign in with by SSH.
    async fn ann_adds_keys(&mut self) {
        for (name, key) in [("ssh_key_id", SSH_KEY), ("ssh_key2_id", SSH_KEY_2)] {
            let body = serde_json::json!({ "public_key": key }).to_string();
            let made = self
                .api(Person::Ann, "POST", "/api/v1/me/keys", &body)
                .await;
            let id = made.json()["id"].as_str().unwrap().to_owned();
            self.things.insert(name.to_owned(), id);
        }
    }

    /// A new shell of somebody's VM; its id.
    async fn shell_made(&self, owner: Person, vm: &str) -> String {
        let form = [("vm", vm), ("new", "true")];
        let opened = self.good(owner, "shell_open", &form).await;
        find(&opened.json(), "shell").unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn node_ready(&self) {
        eventually("the node is ready", async || {
            let list = self.get_function(Person::Admin, "node_list", &[]).await;
            list.text.contains("\"ready\"")
        })
        .await;
    }

    async fn running(&self, owner: Person, name: &str) {
        eventually(&format!("{name} runs"), async || {
            let vm = self.get_function(owner, "vm_get", &[("name", name)]).await;
            vm.text.contains("\"running\"")
        })
        .await;
    }
}

/// The value of that key, however deep.
fn find<'a>(value: &'a serde_json::Value, key: &str) -> Option<&'a serde_json::Value> {
    let fields = value.as_object()?;
    fields
        .get(key)
        .or_else(|| fields.values().find_map(|value| find(value, key)))
}

/// The first list, however deep.
fn find_array(value: &serde_json::Value) -> Option<&Vec<serde_json::Value>> {
    value
        .as_array()
        .or_else(|| value.as_object()?.values().find_map(find_array))
}
