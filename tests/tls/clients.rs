//! Clients that show certificates: asked for or not, right or wrong.

use std::path::Path;

use kit::tls::{self, Authority, Identity};
use kit::{Client, Login, Server, Version};
use tokio::io::AsyncReadExt;

use crate::doors::metrics;

/// A server with a certificate of `authority` that asks clients for certificates of it.
async fn server(authority: &Authority, asked: &str) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("written");
    let settings = format!(
        "[tls]\nclient_certificates = \"{asked}\"\nclient_ca = \"{}\"\n",
        ca.display()
    );
    let put = |data: &Path| drop(authority.sign("server").write(&data.join("tls")));
    (Server::start_with_tls(&settings, put).await, folder)
}

/// Whether a client with this certificate gets as far as CONNACK, and with which code.
async fn enter(server: &Server, trusted: &Authority, own: Option<&Identity>, login: &Login) -> Option<u8> {
    let mqtts = server.addresses().mqtts.as_deref().expect("open");
    let config = tls::client_config(trusted.pem(), own);
    // In TLS 1.3 the client is done before the server has judged it: the refusal comes when it reads.
    let stream = tls::connect(mqtts, config).await.ok()?;
    Client::over(stream, login).await.ok().map(|(_, code, _)| code)
}

#[tokio::test(flavor = "multi_thread")]
async fn where_certificates_are_required_the_handshake_refuses_who_has_none_or_a_wrong_one() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let (server, _folder) = server(&authority, "required").await;
    let ann = server.app().await.register("ann", "ann-phone").await;
    let login = Login::of(&ann, Version::V5);
    let own = authority.sign("phone 7");
    assert_eq!(enter(&server, &authority, Some(&own), &login).await, Some(0));
    assert_eq!(enter(&server, &authority, None, &login).await, None);
    assert_eq!(
        enter(&server, &authority, Some(&stranger.sign("phone 7")), &login).await,
        None
    );
    let expired = authority.sign_until("phone 7", 2001);
    assert_eq!(enter(&server, &authority, Some(&expired), &login).await, None);

    // The certificate does not stand for the token.
    let wrong = Login {
        password: "gwd_wrong".to_owned(),
        ..login
    };
    assert_eq!(enter(&server, &authority, Some(&own), &wrong).await, Some(0x87));

    assert!(server.log().contains("CN=phone 7"), "{}", server.log());
    let metrics = metrics(&server).await;
    for (reason, count) in [("no_certificate", 1), ("wrong_certificate", 2)] {
        let line = format!("tls_handshakes_refused_total{{door=\"mqtts\",reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "{line} in:\n{metrics}");
    }
    assert!(metrics.contains("client=\"certificate\""), "{metrics}");
    // HTTPS asks for the same.
    let https = server.addresses().https.as_deref().expect("open");
    let mut bare = tls::connect(https, tls::client_config(authority.pem(), None))
        .await
        .expect("so far");
    assert!(bare.read_u8().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_certificates_are_optional_only_a_wrong_one_is_refused() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("theirs"));
    let (server, _folder) = server(&authority, "optional").await;
    let ann = server.app().await.register("ann", "ann-phone").await;
    let login = Login::of(&ann, Version::V4);
    assert_eq!(enter(&server, &authority, None, &login).await, Some(0));
    assert_eq!(
        enter(&server, &authority, Some(&authority.sign("phone")), &login).await,
        Some(0)
    );
    assert_eq!(
        enter(&server, &authority, Some(&stranger.sign("phone")), &login).await,
        None
    );
}
