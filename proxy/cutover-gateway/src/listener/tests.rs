use std::net::{SocketAddr, TcpStream};

use super::Listener;
use crate::settings::ListenerSettings;

fn listener() -> Listener {
    let settings = ListenerSettings::http(SocketAddr::from(([127, 0, 0, 1], 0)));
    Listener::open(0, &settings, None, None).unwrap()
}

#[tokio::test]
async fn the_last_worker_to_leave_finds_who_came_after_the_others_had_left() {
    let listener = listener();
    let (one, other) = (listener.accepting().unwrap(), listener.accepting().unwrap());
    listener.close();
    assert!(listener.accepting().is_err());
    drop(one);
    assert!(listener.leave().is_none());
    drop(other);
    let late = TcpStream::connect(listener.address).unwrap();
    let last = listener.leave().unwrap();
    assert_eq!(last.accept().unwrap().1, late.local_addr().unwrap());
    drop(last);
    assert!(TcpStream::connect(listener.address).is_err());
}

#[tokio::test]
async fn a_socket_that_is_not_to_close_outlives_its_workers() {
    let listener = listener();
    drop(listener.accepting().unwrap());
    assert!(listener.leave().is_none());
    assert!(TcpStream::connect(listener.address).is_ok());
    listener.close();
    assert!(TcpStream::connect(listener.address).is_err());
}
