# The application behind puma: says which process answered.

run lambda { |_environment|
  body = "{\"pid\": #{Process.pid}}"
  [200, { 'content-type' => 'application/json', 'content-length' => body.bytesize.to_s }, [body]]
}
