use super::*;

/// A server that answers every byte with the next one.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Ok(byte) = stream.read_u8().await {
                    stream.write_u8(byte + 1).await.unwrap();
                }
            });
        }
    });
    port
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap()
}

/// True when nothing arrives while the runtime has nothing else to do for a while.
async fn silent(stream: &mut TcpStream) -> bool {
    tokio::time::timeout(Duration::from_millis(50), stream.read_u8()).await.is_err()
}

/// A cut that left open connections alone would test nothing: clients keep connections for hours.
#[tokio::test]
async fn a_cut_ends_open_connections_and_refuses_new_ones_until_healed() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let mut open = connect(&proxy).await;
    open.write_u8(1).await.unwrap();
    assert_eq!(open.read_u8().await.unwrap(), 2);
    proxy.set(Link::Cut);
    assert!(open.read_u8().await.is_err());
    assert!(connect(&proxy).await.read_u8().await.is_err());
    proxy.set(Link::Open);
    let mut again = connect(&proxy).await;
    again.write_u8(5).await.unwrap();
    assert_eq!(again.read_u8().await.unwrap(), 6);
}

/// A black hole keeps the connection and loses nothing: the difference between late and never is the client's deadline.
#[tokio::test]
async fn a_held_line_delivers_what_it_held_when_it_opens() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    proxy.set(Link::Held);
    let mut stream = connect(&proxy).await;
    stream.write_u8(1).await.unwrap();
    assert!(silent(&mut stream).await);
    proxy.set(Link::Open);
    assert_eq!(stream.read_u8().await.unwrap(), 2);
}

/// The case in which a write took place and its writer does not know.
#[tokio::test]
async fn a_half_open_line_carries_requests_and_holds_answers() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap().port()).await.unwrap();
    proxy.set(Link::HalfOpen);
    let mut client = connect(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_u8(7).await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), 7);
    server.write_u8(8).await.unwrap();
    assert!(silent(&mut client).await);
    proxy.set(Link::Open);
    assert_eq!(client.read_u8().await.unwrap(), 8);
}

/// Stores that answer 503 are common; the server behind must see nothing meanwhile, and work at once afterwards.
#[tokio::test]
async fn an_answering_line_gives_its_status_and_then_the_server_again() {
    let proxy = Proxy::start(echo().await).await.unwrap();
    let mut before = connect(&proxy).await;
    before.write_u8(1).await.unwrap();
    assert_eq!(before.read_u8().await.unwrap(), 2);
    proxy.set(Link::Answer(503));
    assert!(before.read_u8().await.is_err());
    let mut stream = connect(&proxy).await;
    stream.write_all(b"GET /bucket/key HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    assert!(text.contains("<Code>SlowDown</Code>"), "{text}");
    proxy.set(Link::Open);
    let mut after = connect(&proxy).await;
    after.write_u8(3).await.unwrap();
    assert_eq!(after.read_u8().await.unwrap(), 4);
}
