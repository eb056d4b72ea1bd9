use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn pair() -> (Wire, Arc<CutSwitch>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let switch = Arc::new(CutSwitch::default());
    (Wire::new(stream, Arc::clone(&switch)), switch, client)
}

#[tokio::test]
async fn a_cut_is_exact_to_the_byte() {
    let (mut wire, switch, mut client) = pair().await;
    wire.write_all(b"before ").await.unwrap();
    switch.arm(3);
    let error = wire.write_all(b"after").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    drop(wire);
    let mut received = String::new();
    client.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "before aft");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_is_given_up() {
    let (mut wire, _, _client) = pair().await;
    let begun = Instant::now();
    let chunk = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = wire.write_all(&chunk).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(begun.elapsed() >= WRITE_STALL_MAX);
}
