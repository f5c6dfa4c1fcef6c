/* Name resolution that never resolves.
 *
 * zig's wasi-libc declares these functions, so that CPython's `socket` compiles
 * against them, but holds no code for them. The guest has no network. */
#include <stddef.h>

struct hostent;
struct servent;
struct protoent;

static int host_not_found = 1;

int *__h_errno_location(void) { return &host_not_found; }
const char *hstrerror(int code) { return "network is not available"; }
struct hostent *gethostbyname(const char *name) { return NULL; }
struct hostent *gethostbyaddr(const void *address, unsigned len, int family) { return NULL; }
struct servent *getservbyname(const char *name, const char *protocol) { return NULL; }
struct servent *getservbyport(int port, const char *protocol) { return NULL; }
struct protoent *getprotobyname(const char *name) { return NULL; }
