//! What is asked of the server, and how it answers.

use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, ORIGIN, REFERER},
};

use super::{House, Person};

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The stable code of a refusal, if it is one.
    pub fn code(&self) -> Option<String> {
        let error: serde_json::Value = serde_json::from_str(&self.text).ok()?;
        Some(error.get("code")?.as_str()?.to_owned())
    }

    /// Where it redirects to.
    pub fn location(&self) -> Option<&str> {
        self.headers.get("location")?.to_str().ok()
    }

    /// The whole of it.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl House {
    /// Calls a server function that must work.
    pub async fn good(&self, person: Person, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let answer = self.call(person, endpoint, form).await;
        assert_eq!(answer.status, 200, "{endpoint}: {answer:?}");
        answer
    }

    /// Calls a server function by POST, as a program does.
    pub async fn call(&self, person: Person, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(form).unwrap();
        let request = self
            .request(person, Method::POST, &format!("/api/{endpoint}"))
            .header(ORIGIN, &self.base)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        read(request).await
    }

    /// Sends a plain form from that page, as a browser without script does.
    pub async fn plain(
        &self,
        person: Person,
        page: &str,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let body = serde_urlencoded::to_string(form).unwrap();
        let request = self
            .request(person, Method::POST, &format!("/api/{endpoint}"))
            .header(ORIGIN, &self.base)
            .header(REFERER, format!("{}{page}", self.base))
            .header(ACCEPT, "text/html")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        read(request).await
    }

    /// Calls a server function by GET.
    pub async fn get_function(
        &self,
        person: Person,
        endpoint: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let query = serde_urlencoded::to_string(form).unwrap();
        let path = format!("/api/{endpoint}?{query}");
        read(
            self.request(person, Method::GET, &path)
                .header(ACCEPT, "application/json"),
        )
        .await
    }

    /// Opens a page.
    pub async fn page(&self, person: Person, path: &str) -> Answer {
        read(
            self.request(person, Method::GET, path)
                .header(ACCEPT, "text/html"),
        )
        .await
    }

    /// Begins a WebSocket; the status says whether it was let through.
    pub async fn socket(&self, person: Person, path: &str) -> Answer {
        let request = self.request(person, Method::GET, path);
        upgrade(request.header(ORIGIN, &self.base)).await
    }

    /// The same with a token.
    pub async fn socket_by_token(&self, secret: &str, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.base));
        upgrade(request.bearer_auth(secret)).await
    }

    /// Asks the API with the person's cookie, as a page of ours would.
    pub async fn api(&self, person: Person, method: &str, path: &str, body: &str) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .request(person, method, path)
            .header(ORIGIN, &self.base);
        read(with_json(request, body)).await
    }

    /// Asks the API with these header lines, as a program does. Paths may be whole addresses.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        lines: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let address = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.base),
        };
        let mut request = self.client.request(method, address);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        read(with_json(request, body)).await
    }

    /// Asks the API with the person's token.
    pub async fn by_token(&self, person: Person, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.tokens[&person]);
        let lines = [("authorization", bearer.as_str())];
        self.ask(method, path, &lines, body).await
    }

    fn request(&self, person: Person, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match self.cookies.get(&person) {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    /// An answer that goes on, asked for with the person's token.
    pub async fn stream(&self, person: Person, path: &str) -> reqwest::Response {
        let address = format!("{}{path}", self.base);
        let request = self.client.get(address).bearer_auth(&self.tokens[&person]);
        request.send().await.unwrap()
    }
}

fn with_json(request: reqwest::RequestBuilder, body: &str) -> reqwest::RequestBuilder {
    match body {
        "" => request,
        body => request
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_owned()),
    }
}

async fn read(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer {
        status,
        headers,
        text: response.text().await.unwrap(),
    }
}

async fn upgrade(request: reqwest::RequestBuilder) -> Answer {
    let request = request
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = if status == 101 {
        String::new()
    } else {
        response.text().await.unwrap()
    };
    Answer {
        status,
        headers,
        text,
    }
}
