//! A headless Chromium, driven by the W3C's `WebDriver` protocol, spoken over plain HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The Enter key as `WebDriver` writes it.
pub(crate) const ENTER: char = '\u{E007}';
/// Under which name an answer holds an element (`WebDriver`, 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own. Ends with its driver when dropped.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    driver: Child,
    port: u16,
    profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut browser = Self {
            http: kit::http_client(),
            session: format!("http://127.0.0.1:{port}/session"),
            driver,
            port,
            profile,
        };
        let folder = format!("--user-data-dir={}", browser.profile.path().display());
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            &folder,
        ];
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium(), "args": flags },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let answer = browser
            .call(Method::POST, "", &json!({ "capabilities": { "alwaysMatch": wanted } }))
            .await;
        let id = answer["sessionId"].as_str().expect("a session");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    /// Goes to an address and waits until it has loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.call(Method::POST, "/url", &json!({ "url": url })).await;
    }

    /// Runs a function body in the page and gives what it returns.
    pub(crate) async fn run(&self, script: &str, args: &[&str]) -> Value {
        self.call(
            Method::POST,
            "/execute/sync",
            &json!({ "script": script, "args": args }),
        )
        .await
    }

    /// Clicks as a person would: the element must be there, and nothing may cover it.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.call(Method::POST, &format!("/element/{element}/click"), &json!({}))
            .await;
    }

    /// Types into a field, key by key.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        let keys = json!({ "text": text });
        self.call(Method::POST, &format!("/element/{element}/value"), &keys)
            .await;
    }

    /// What the page complained of, apart from connections that a killed server left half open or refused.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.call(Method::POST, "/se/log", &json!({ "type": "browser" })).await;
        let messages = log.as_array().into_iter().flatten();
        messages
            .filter_map(|entry| entry["message"].as_str())
            .filter(|message| !message.contains("net::ERR_") && !message.contains("WebSocket"))
            .map(str::to_owned)
            .collect()
    }

    async fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.call(Method::POST, "/element", &wanted).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.session)).json(body);
        let answer = request.send().await.expect("the driver answers");
        let mut answer: Value = answer.json().await.expect("the driver speaks JSON");
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path} {body}: {value}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes its browser with it only when asked to go.
        if let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) {
            socket.set_read_timeout(Some(Duration::from_secs(10))).ok();
            let ask = format!(
                "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
                self.port
            );
            socket.write_all(ask.as_bytes()).ok();
            socket.read_to_end(&mut Vec::new()).ok();
        }
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

fn chromium() -> String {
    let found = Command::new("sh").args(["-c", "command -v chromium"]).output();
    let path = found.expect("a shell").stdout;
    String::from_utf8(path).expect("a path").trim().to_owned()
}

/// Starts the driver on a port of its choice, which it prints.
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver starts");
    let mut lines = BufReader::new(driver.stdout.take().expect("it was asked for")).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    // A full pipe would stop the driver.
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port.expect("the driver says its port"))
}
