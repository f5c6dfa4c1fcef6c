;; A guest that does on demand what a hostile one would: the first byte of a message
;; says what, the rest is for it. It has one page below its heap for scratch: iovecs
;; at 0, subscriptions at 256, events at 512, numbers at 1024.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $fd_filestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_res_get" (func $clock_res_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "goldstone" "reply" (func $reply (param i32 i32)))
  (import "goldstone" "ask" (func $ask (param i32 i32) (result i32)))
  (import "goldstone" "take" (func $take (param i32)))

  (memory (export "memory") 4)
  (table $table 4 funcref)
  (tag $thrown (param i32))
  (global $turns (mut i32) (i32.const 0))
  (global $bad i32 (i32.const 0xfffffff0))

  ;; Messages go to the second page; longer ones make the memory larger.
  (func (export "guest_alloc") (param $length i32) (result i32)
    (block $fits
      (br_if $fits (i32.le_u (local.get $length) (i32.const 0x20000)))
      (drop (memory.grow (i32.shr_u (local.get $length) (i32.const 16)))))
    (i32.const 0x10000))

  (func $recurse (param $depth i32) (result i32)
    (i32.add (i32.const 1) (call $recurse (i32.add (local.get $depth) (i32.const 1)))))

  ;; Sets iovec 0.
  (func $part (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length)))

  (func $flood (param $descriptor i32)
    (call $part (i32.const 0x10000) (i32.const 0x10000))
    (loop $again
      (drop (call $fd_write (local.get $descriptor) (i32.const 0) (i32.const 1) (i32.const 1024)))
      (br $again)))

  ;; Replies with the lowest byte of a number.
  (func $reply_byte (param $number i32)
    (i32.store8 (i32.const 1024) (local.get $number))
    (call $reply (i32.const 1024) (i32.const 1)))

  (func $reply_u32 (param $number i32)
    (i32.store (i32.const 1024) (local.get $number))
    (call $reply (i32.const 1024) (i32.const 4)))

  (func $now (result i64)
    (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 1024)))
    (i64.load (i32.const 1024)))

  ;; Waits for a relative time; answers with how far the clock has moved, in seconds.
  (func $sleep (param $nanoseconds i64) (result i32)
    (local $before i64)
    (local.set $before (call $now))
    (memory.fill (i32.const 256) (i32.const 0) (i32.const 48))
    (i32.store (i32.const 272) (i32.const 1))
    (i64.store (i32.const 280) (local.get $nanoseconds))
    (drop (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 1) (i32.const 1024)))
    (i32.wrap_i64 (i64.div_u (i64.sub (call $now) (local.get $before)) (i64.const 1000000000))))

  ;; Every import with an address beyond memory; replies with what each answers.
  (func $bad_addresses
    (call $reply_byte (call $fd_write (i32.const 1) (global.get $bad) (i32.const 1) (i32.const 1024)))
    (call $part (global.get $bad) (i32.const 64))
    (call $reply_byte (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1024)))
    (call $part (i32.const 4096) (i32.const 64))
    (call $reply_byte (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (global.get $bad)))
    (call $reply_byte (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (global.get $bad)))
    (call $reply_byte (call $fd_fdstat_get (i32.const 1) (global.get $bad)))
    (call $reply_byte (call $fd_filestat_get (i32.const 1) (global.get $bad)))
    (call $reply_byte (call $clock_time_get (i32.const 0) (i64.const 0) (global.get $bad)))
    (call $reply_byte (call $clock_res_get (i32.const 0) (global.get $bad)))
    (call $reply_byte (call $random_get (global.get $bad) (i32.const 64)))
    (call $reply_byte (call $random_get (i32.const 4096) (i32.const -1)))
    (call $reply_byte (call $poll_oneoff (global.get $bad) (i32.const 512) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $poll_oneoff (i32.const 256) (global.get $bad) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $args_sizes_get (global.get $bad) (i32.const 1024)))
    (call $reply_byte (call $args_get (i32.const 1024) (global.get $bad)))
    (call $reply_byte (call $environ_sizes_get (i32.const 1024) (global.get $bad))))

  ;; Counts, descriptors and clocks that there are not; replies with each answer.
  (func $bad_arguments
    (call $reply_byte (call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 1024)))
    (call $reply_byte (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1025) (i32.const 1024)))
    (call $reply_byte (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const 0) (i32.const 1024)))
    (call $reply_byte (call $poll_oneoff (i32.const 256) (i32.const 512) (i32.const -1) (i32.const 1024)))
    (call $reply_byte (call $clock_time_get (i32.const 9) (i64.const 0) (i32.const 1024)))
    (call $reply_byte (call $fd_write (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $fd_read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $fd_write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 1024)))
    (call $reply_byte (call $fd_close (i32.const -1)))
    (call $reply_byte (call $fd_prestat_get (i32.const 3) (i32.const 1024)))
    (call $reply_byte (call $fd_seek (i32.const 1) (i64.const 0) (i32.const 0) (i32.const 1024)))
    (call $reply_byte (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 1)
      (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1024)))
    (call $reply_byte (call $sock_accept (i32.const 0) (i32.const 0) (i32.const 1024)))
    (call $reply_byte (call $fd_close (i32.const 1)))
    (call $reply_byte (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1024))))

  (func (export "guest_turn") (param $at i32) (param $length i32) (result i32)
    (local $command i32)
    (local $rest i32)
    (local $count i32)
    (local.set $command (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (local.set $rest (i32.sub (local.get $length) (i32.const 1)))
    (global.set $turns (i32.add (global.get $turns) (i32.const 1)))

    ;; e: replies with the rest.
    (if (i32.eq (local.get $command) (i32.const 0x65)) (then
      (call $reply (local.get $at) (local.get $rest))))
    ;; i: copies standard input to standard output and error output.
    (if (i32.eq (local.get $command) (i32.const 0x69)) (then
      (loop $again
        (call $part (i32.const 4096) (i32.const 100))
        (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1024)))
        (local.set $count (i32.load (i32.const 1024)))
        (call $part (i32.const 4096) (local.get $count))
        (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 1024)))
        (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 1024)))
        (br_if $again (local.get $count)))))
    ;; n: the number of this turn in its instance.
    (if (i32.eq (local.get $command) (i32.const 0x6e)) (then
      (call $reply_byte (global.get $turns))))
    ;; R: random bytes.
    (if (i32.eq (local.get $command) (i32.const 0x52)) (then
      (drop (call $random_get (i32.const 4096) (i32.const 13)))
      (call $reply (i32.const 4096) (i32.const 13))))
    ;; c: the time, in seconds.
    (if (i32.eq (local.get $command) (i32.const 0x63)) (then
      (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 1024)))
      (call $reply_u32
        (i32.wrap_i64 (i64.div_u (i64.load (i32.const 1024)) (i64.const 1000000000))))))
    ;; z: sleeps for 31 years.
    (if (i32.eq (local.get $command) (i32.const 0x7a)) (then
      (call $reply_u32 (call $sleep (i64.const 1000000000000000000)))))
    ;; Z: sleeps for ever, again and again.
    (if (i32.eq (local.get $command) (i32.const 0x5a)) (then
      (loop $again (drop (call $sleep (i64.const -1))) (br $again))))
    ;; l: loops.
    (if (i32.eq (local.get $command) (i32.const 0x6c)) (then
      (loop $again (br $again))))
    ;; f: fills memory, again and again.
    (if (i32.eq (local.get $command) (i32.const 0x66)) (then
      (drop (memory.grow (i32.const 64)))
      (loop $again
        (memory.fill (i32.const 0x20000) (i32.const 1) (i32.const 0x400000))
        (br $again))))
    ;; g: grows memory page by page for as long as there is any, and uses it.
    (if (i32.eq (local.get $command) (i32.const 0x67)) (then
      (block $full
        (loop $again
          (local.set $at (memory.grow (i32.const 1)))
          (br_if $full (i32.eq (local.get $at) (i32.const -1)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (i32.store (i32.shl (local.get $at) (i32.const 16)) (i32.const 1))
          (br $again)))
      (call $reply_u32 (local.get $count))))
    ;; G: asks for all memory that an address can reach, and more.
    (if (i32.eq (local.get $command) (i32.const 0x47)) (then
      (call $reply_u32 (memory.grow (i32.const 65532)))
      (call $reply_u32 (memory.grow (i32.const 65533)))
      (call $reply_u32 (memory.grow (i32.const 100000)))))
    ;; T: grows its table for as long as it can.
    (if (i32.eq (local.get $command) (i32.const 0x54)) (then
      (loop $again
        (br_if $again (i32.ne (i32.const -1)
          (table.grow $table (ref.null func) (i32.const 1000)))))
      (call $reply_u32 (table.size $table))))
    ;; o, O: floods standard output, error output.
    (if (i32.eq (local.get $command) (i32.const 0x6f)) (then (call $flood (i32.const 1))))
    (if (i32.eq (local.get $command) (i32.const 0x4f)) (then (call $flood (i32.const 2))))
    ;; v: one write of 1024 parts that are all the same page.
    (if (i32.eq (local.get $command) (i32.const 0x76)) (then
      (loop $again
        (i32.store (i32.mul (local.get $count) (i32.const 8)) (i32.const 0x10000))
        (i32.store offset=4 (i32.mul (local.get $count) (i32.const 8)) (i32.const 0x10000))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $count) (i32.const 1024))))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1024) (i32.const 0x30000)))))
    ;; r: replies without end.
    (if (i32.eq (local.get $command) (i32.const 0x72)) (then
      (loop $again (call $reply (i32.const 0) (i32.const 4096)) (br $again))))
    ;; Q: replies with what lies beyond memory.
    (if (i32.eq (local.get $command) (i32.const 0x51)) (then
      (call $reply (global.get $bad) (i32.const 8))))
    ;; d: recurses without end.
    (if (i32.eq (local.get $command) (i32.const 0x64)) (then
      (call $reply_u32 (call $recurse (i32.const 0)))))
    ;; u: a trap. U: an access beyond memory. D: a division by zero.
    (if (i32.eq (local.get $command) (i32.const 0x75)) (then (unreachable)))
    (if (i32.eq (local.get $command) (i32.const 0x55)) (then
      (drop (i32.load (global.get $bad)))))
    (if (i32.eq (local.get $command) (i32.const 0x44)) (then
      (drop (i32.div_u (i32.const 1) (local.get $count)))))
    ;; x: exits with the byte that follows.
    (if (i32.eq (local.get $command) (i32.const 0x78)) (then
      (call $reply_byte (i32.const 1))
      (call $proc_exit (i32.load8_u (local.get $at)))))
    ;; E: throws and catches without end. Exceptions take memory of the host.
    (if (i32.eq (local.get $command) (i32.const 0x45)) (then
      (loop $again
        (drop (block $caught (result i32)
          (try_table (catch $thrown $caught) (throw $thrown (i32.const 1)))
          (i32.const 0)))
        (br $again))))
    ;; p, P: calls with bad addresses, with other bad arguments.
    (if (i32.eq (local.get $command) (i32.const 0x70)) (then (call $bad_addresses)))
    (if (i32.eq (local.get $command) (i32.const 0x50)) (then (call $bad_arguments)))
    ;; a: asks the rest, and replies with the answer. A: asks without end.
    (if (i32.eq (local.get $command) (i32.const 0x61)) (then
      (local.set $count (call $ask (local.get $at) (local.get $rest)))
      (call $take (i32.const 4096))
      (call $reply (i32.const 4096) (local.get $count))))
    (if (i32.eq (local.get $command) (i32.const 0x41)) (then
      (loop $again
        (drop (call $ask (local.get $at) (local.get $rest)))
        (br $again))))
    ;; b: asks the rest twice.
    (if (i32.eq (local.get $command) (i32.const 0x62)) (then
      (drop (call $ask (local.get $at) (local.get $rest)))
      (drop (call $ask (local.get $at) (local.get $rest)))))
    ;; B: asks the rest at the bottom of a deep stack of its own.
    (if (i32.eq (local.get $command) (i32.const 0x42)) (then
      (call $reply_byte (call $deep_ask (i32.const 400000) (local.get $at) (local.get $rest)))))
    ;; k: takes an answer that there is not. K: to an address beyond memory.
    (if (i32.eq (local.get $command) (i32.const 0x6b)) (then (call $take (i32.const 4096))))
    (if (i32.eq (local.get $command) (i32.const 0x4b)) (then
      (drop (call $ask (local.get $at) (local.get $rest)))
      (call $take (global.get $bad))))
    ;; q: asks with a message beyond memory.
    (if (i32.eq (local.get $command) (i32.const 0x71)) (then
      (drop (call $ask (global.get $bad) (i32.const 8)))))
    (i32.const 7))

  (func $deep_ask (param $depth i32) (param $at i32) (param $length i32) (result i32)
    (local $count i32)
    (if (local.get $depth) (then
      (return (i32.add (i32.const 0) (call $deep_ask
        (i32.sub (local.get $depth) (i32.const 1)) (local.get $at) (local.get $length))))))
    (local.set $count (call $ask (local.get $at) (local.get $length)))
    (call $take (i32.const 4096))
    (i32.load8_u (i32.const 4096))))
