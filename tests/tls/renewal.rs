//! New files while the server runs: taken when they are good, told of and left alone when they are not.

use std::path::Path;

use kit::tls::{self, Authority, Identity};
use kit::{Client, Login, Server, Version, wait_for};
use tokio_rustls::client::TlsStream;

async fn connect(server: &Server, authority: &Authority) -> TlsStream<tokio::net::TcpStream> {
    let mqtts = server.addresses().mqtts.as_deref().expect("open");
    tls::connect(mqtts, tls::client_config(authority.pem(), None))
        .await
        .expect("they shake hands")
}

/// The certificate that the door shows to who comes now.
async fn shown(server: &Server, authority: &Authority) -> Vec<u8> {
    let stream = connect(server, authority).await;
    let chain = stream.get_ref().1.peer_certificates().expect("a certificate");
    chain.first().expect("a certificate").to_vec()
}

async fn wait_for_another(server: &Server, authority: &Authority, former: &[u8]) {
    wait_for("another certificate", || async {
        (shown(server, authority).await != former).then_some(())
    })
    .await;
}

fn put(identity: &Identity, data: &Path) {
    drop(identity.write(&data.join("tls")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_to_new_clients_while_the_old_connection_lives() {
    let authority = Authority::new("ours");
    let server = Server::start_with_tls("", |data| put(&authority.sign("first"), data)).await;
    let ann = server.app().await.register("ann", "ann-phone").await;
    let first = shown(&server, &authority).await;
    let stream = connect(&server, &authority).await;
    let (mut phone, code, _) = Client::over(stream, &Login::of(&ann, Version::V4))
        .await
        .expect("an answer");
    assert_eq!(code, 0);

    // On SIGHUP at once.
    put(&authority.sign("second"), &server.data());
    server.hang_up();
    wait_for_another(&server, &authority, &first).await;
    // By itself when the files change.
    let second = shown(&server, &authority).await;
    put(&authority.sign("third"), &server.data());
    wait_for_another(&server, &authority, &second).await;

    assert_eq!(
        phone.subscribe(&ann.topic("inbox"), 1).await,
        1,
        "the old connection lives"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_new_files_leave_the_old_certificate_in_use_and_say_why() {
    let authority = Authority::new("ours");
    let server = Server::start_with_tls("", |data| put(&authority.sign("first"), data)).await;
    let first = shown(&server, &authority).await;

    let mixed = Identity {
        certificate: authority.sign("second").certificate,
        key: authority.sign("third").key,
    };
    put(&mixed, &server.data());
    server.hang_up();
    wait_for("the reason", || async {
        server.log().contains("is not the key of").then_some(())
    })
    .await;
    assert!(
        server.log().contains("the former certificate stays in use"),
        "{}",
        server.log()
    );
    assert_eq!(shown(&server, &authority).await, first);

    put(&authority.sign("second"), &server.data());
    server.hang_up();
    wait_for_another(&server, &authority, &first).await;
}
