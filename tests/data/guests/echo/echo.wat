;; Replies with the message, and writes to standard output what it was booted with.
(module
  (import "goldstone" "reply" (func $reply (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)

  ;; 0: address and length of a part, 8: bytes read, 12: bytes written, 1024: what was read
  (func $part (param $length i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (local.get $length)))

  (func (export "wizer.initialize")
    (call $part (i32.const 64))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    ;; Without anything to boot from it fails.
    (if (i32.eqz (i32.load (i32.const 8))) (then (unreachable))))

  (func (export "guest_alloc") (param i32) (result i32) (i32.const 4096))

  (func (export "guest_turn") (param $at i32) (param $length i32) (result i32)
    (call $part (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (call $reply (local.get $at) (local.get $length))
    (i32.const 0)))
