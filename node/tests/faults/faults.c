/* What a disk, a clock and a kernel may do to a program, done on purpose: a library that is loaded before
 * libc (LD_PRELOAD) into the program under test. A test compiles it with `cc`; see `mod.rs` beside it.
 *
 * It does three things, for what happens below one directory (SOUK_FAULTS_UNDER) and on sockets:
 *
 *   - it counts writes, syncs, commits (fdatasync of `rows/db`) and sends on a page that it shares with the
 *     test (SOUK_FAULTS_PAGE), and at a number of one of them that the test has put there it kills the
 *     process, before or after the call, or lets the call fail;
 *   - it writes every change of a file, name or directory, with its data, into a trace
 *     (SOUK_FAULTS_TRACE, if it is set), in the order in which the kernel saw them;
 *   - it moves the clock of the wall, not the others.
 *
 * A change that it cannot see would make every conclusion false, so calls that would change a file some
 * other way (fallocate, sendfile, shared writable maps) end the process loudly. A raw system call goes
 * past it: the test compares what the trace amounts to with what is on the disk at the end.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS 65536
#define PAGE_BYTES 4096
#define MAGIC 0x736f756b66617531ull

/* Words of the shared page; the test knows them by the same numbers. */
enum { AT_MAGIC, AT_WRITES, AT_SYNCS, AT_COMMITS, AT_SENDS, AT_OP = 8, AT_COUNT, AT_DEED, AT_ERRNO, AT_CLOCK_MS, AT_FIRED };
/* What is done at the armed moment. */
enum { KILL_BEFORE = 1, KILL_AFTER, FAIL_ONCE, FAIL_FROM_THERE };
/* What a descriptor is. */
enum { NOTHING, SOME_FILE, DATABASE, DIRECTORY, SOCKET };
/* Records of the trace. */
enum { OPENED = 1, WRITTEN, CUT, SYNCED, DIRECTORY_SYNCED, RENAMED, UNLINKED, MADE_DIRECTORY, REMOVED_DIRECTORY, SAID };

struct record {
    uint32_t kind, path_bytes;
    uint64_t file, place, data_bytes;
};

static volatile int64_t *page;
static int64_t no_page[PAGE_BYTES / 8];
static char under[PATH_MAX];
static int trace = -1;
static unsigned char kinds[FDS];
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_rmdir)(const char *);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
static int (*real_sendmmsg)(int, struct mmsghdr *, unsigned, int);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_clock)(clockid_t, struct timespec *);

static void stop(const char *why) {
    dprintf(2, "faults: %s\n", why);
    abort();
}

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) stop(name);
    return found;
}

__attribute__((constructor)) static void load(void) {
    real_open = real("open64"), real_openat = real("openat64"), real_close = real("close");
    real_write = real("write"), real_pwrite = real("pwrite64"), real_writev = real("writev");
    real_pwritev = real("pwritev64"), real_ftruncate = real("ftruncate64"), real_fsync = real("fsync");
    real_fdatasync = real("fdatasync"), real_rename = real("rename"), real_unlink = real("unlink");
    real_unlinkat = real("unlinkat"), real_mkdir = real("mkdir"), real_rmdir = real("rmdir");
    real_send = real("send"), real_sendto = real("sendto"), real_sendmsg = real("sendmsg");
    real_sendmmsg = real("sendmmsg"), real_mmap = real("mmap64"), real_clock = real("clock_gettime");
    page = no_page;
    const char *dir = getenv("SOUK_FAULTS_UNDER"), *shared = getenv("SOUK_FAULTS_PAGE"), *to = getenv("SOUK_FAULTS_TRACE");
    if (!dir || !shared) return;
    if (!realpath(dir, under)) stop("SOUK_FAULTS_UNDER is no directory");
    int fd = real_open(shared, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : real_mmap(0, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) stop("SOUK_FAULTS_PAGE cannot be mapped");
    real_close(fd);
    page = map;
    page[AT_MAGIC] = MAGIC;
    if (to && (trace = real_open(to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0) stop("no trace");
}

/* The path as it is below the directory, or nothing if it is elsewhere. */
static const char *below(int dir, const char *path, char *whole) {
    if (!*under) return 0;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else if (dir == AT_FDCWD) {
        if (!getcwd(whole, PATH_MAX)) return 0;
        snprintf(whole + strlen(whole), PATH_MAX - strlen(whole), "/%s", path);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, whole, PATH_MAX - 1);
        if (n < 0) return 0;
        snprintf(whole + n, PATH_MAX - n, "/%s", path);
    }
    size_t len = strlen(under);
    if (strncmp(whole, under, len) || (whole[len] != '/' && whole[len])) return 0;
    return whole[len] ? whole + len + 1 : whole + len;
}

static void note(int kind, const char *path, uint64_t file, uint64_t place, const void *data, size_t bytes) {
    if (trace < 0) return;
    struct record record = {kind, path ? strlen(path) : 0, file, place, bytes};
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)path, record.path_bytes}, {(void *)data, bytes}};
    if (real_writev(trace, parts, 3) != (ssize_t)(sizeof record + record.path_bytes + bytes)) stop("the trace is full");
}

static uint64_t file_of(int fd) {
    struct stat stat;
    return fstat(fd, &stat) ? 0 : stat.st_ino;
}

static int kind_of(int fd) {
    return fd >= 0 && fd < FDS ? kinds[fd] : NOTHING;
}

static int is_socket(int fd) {
    struct stat stat;
    if (fd < 0 || fd >= FDS || kinds[fd] == SOCKET) return fd >= 0 && fd < FDS;
    if (kinds[fd] != NOTHING || fstat(fd, &stat) || !S_ISSOCK(stat.st_mode)) return 0;
    kinds[fd] = SOCKET;
    return 1;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts an operation. Says what is to be done now: nothing, one of the deeds; a kill before it has happened. */
static int count(int op) {
    int64_t now = __atomic_add_fetch((int64_t *)&page[op], 1, __ATOMIC_SEQ_CST);
    if (page[AT_OP] != op || page[AT_COUNT] <= 0) return 0;
    int64_t deed = page[AT_DEED];
    if (now != page[AT_COUNT] && !(deed == FAIL_FROM_THERE && now > page[AT_COUNT])) return 0;
    page[AT_FIRED] = now;
    if (deed == KILL_BEFORE) die();
    if (deed == FAIL_ONCE || deed == FAIL_FROM_THERE) errno = page[AT_ERRNO];
    return deed;
}

static int fails(int deed) {
    return deed == FAIL_ONCE || deed == FAIL_FROM_THERE;
}

static void done(int deed) {
    if (deed == KILL_AFTER) die();
}

static int opened(int fd, const char *path, int flags, const char *whole) {
    struct stat stat;
    if (fd < 0 || fd >= FDS || !path || fstat(fd, &stat)) return fd;
    if (S_ISDIR(stat.st_mode)) {
        kinds[fd] = DIRECTORY;
        return fd;
    }
    size_t len = strlen(whole);
    kinds[fd] = len >= 8 && !strcmp(whole + len - 8, "/rows/db") ? DATABASE : SOME_FILE;
    note(OPENED, path, stat.st_ino, flags & O_TRUNC ? 1 : 0, 0, 0);
    return fd;
}

static int open_with(int dir, const char *name, int flags, mode_t mode) {
    char whole[PATH_MAX];
    const char *path = real_open ? below(dir, name, whole) : 0;
    if (!path) return syscall(SYS_openat, dir, name, flags, mode);
    pthread_mutex_lock(&turn);
    int fd = opened(syscall(SYS_openat, dir, name, flags | O_LARGEFILE, mode), path, flags, whole);
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return fd;
}

#define MODE(flags, last)                                                   \
    mode_t mode = 0;                                                        \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                  \
        va_list rest;                                                       \
        va_start(rest, last);                                               \
        mode = va_arg(rest, mode_t);                                        \
        va_end(rest);                                                       \
    }

int open64(const char *name, int flags, ...) {
    MODE(flags, flags)
    return open_with(AT_FDCWD, name, flags, mode);
}
int open(const char *name, int flags, ...) {
    MODE(flags, flags)
    return open_with(AT_FDCWD, name, flags, mode);
}
int openat64(int dir, const char *name, int flags, ...) {
    MODE(flags, flags)
    return open_with(dir, name, flags, mode);
}
int openat(int dir, const char *name, int flags, ...) {
    MODE(flags, flags)
    return open_with(dir, name, flags, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < FDS) kinds[fd] = NOTHING;
    return real_close ? real_close(fd) : (int)syscall(SYS_close, fd);
}

static int is_file(int fd) {
    return kind_of(fd) == SOME_FILE || kind_of(fd) == DATABASE;
}

static void note_pieces(int fd, const struct iovec *pieces, int many, uint64_t place, size_t bytes) {
    uint64_t file = file_of(fd);
    for (int n = 0; n < many && bytes; n++) {
        size_t part = pieces[n].iov_len < bytes ? pieces[n].iov_len : bytes;
        note(WRITTEN, 0, file, place, pieces[n].iov_base, part);
        place += part, bytes -= part;
    }
}

/* Writes at the file's own place (place < 0) or at a given one. */
static ssize_t write_file(int fd, const struct iovec *pieces, int many, off_t place) {
    pthread_mutex_lock(&turn);
    int deed = count(AT_WRITES);
    ssize_t n = -1;
    if (!fails(deed)) {
        n = place < 0 ? real_writev(fd, pieces, many) : real_pwritev(fd, pieces, many, place);
        int error = errno;
        if (n > 0) note_pieces(fd, pieces, many, place < 0 ? (uint64_t)(lseek(fd, 0, SEEK_CUR) - n) : (uint64_t)place, n);
        errno = error;
    }
    done(deed);
    int error = errno;
    pthread_mutex_unlock(&turn);
    errno = error;
    return n;
}

#define SENDING(fd, call)                                                   \
    do {                                                                    \
        int deed = count(AT_SENDS);                                         \
        if (fails(deed)) return -1;                                         \
        __typeof__(call) n = call;                                          \
        done(deed);                                                         \
        return n;                                                           \
    } while (0)

ssize_t write(int fd, const void *data, size_t bytes) {
    if (!real_write) return syscall(SYS_write, fd, data, bytes);
    struct iovec piece = {(void *)data, bytes};
    if (is_file(fd)) return write_file(fd, &piece, 1, -1);
    if (fd == 1 && trace >= 0) {
        pthread_mutex_lock(&turn);
        note(SAID, 0, 0, 0, data, bytes);
        pthread_mutex_unlock(&turn);
    }
    if (is_socket(fd)) SENDING(fd, real_write(fd, data, bytes));
    return real_write(fd, data, bytes);
}
ssize_t writev(int fd, const struct iovec *pieces, int many) {
    if (is_file(fd)) return write_file(fd, pieces, many, -1);
    if (is_socket(fd)) SENDING(fd, real_writev(fd, pieces, many));
    return real_writev(fd, pieces, many);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t place) {
    struct iovec piece = {(void *)data, bytes};
    return is_file(fd) ? write_file(fd, &piece, 1, place) : real_pwrite(fd, data, bytes, place);
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t place) {
    return pwrite64(fd, data, bytes, place);
}
ssize_t pwritev64(int fd, const struct iovec *pieces, int many, off_t place) {
    return is_file(fd) ? write_file(fd, pieces, many, place) : real_pwritev(fd, pieces, many, place);
}
ssize_t pwritev(int fd, const struct iovec *pieces, int many, off_t place) {
    return pwritev64(fd, pieces, many, place);
}

int ftruncate64(int fd, off_t bytes) {
    if (!is_file(fd)) return real_ftruncate(fd, bytes);
    pthread_mutex_lock(&turn);
    int done = real_ftruncate(fd, bytes);
    if (!done) note(CUT, 0, file_of(fd), bytes, 0, 0);
    pthread_mutex_unlock(&turn);
    return done;
}
int ftruncate(int fd, off_t bytes) {
    return ftruncate64(fd, bytes);
}

static int sync_with(int (*sync)(int), int fd) {
    int kind = kind_of(fd);
    if (kind != SOME_FILE && kind != DATABASE && kind != DIRECTORY) return sync(fd);
    pthread_mutex_lock(&turn);
    int deed = count(AT_SYNCS);
    if (!deed && sync == real_fdatasync && kind == DATABASE) deed = count(AT_COMMITS);
    int result = -1;
    if (!fails(deed)) result = sync(fd);
    int error = errno;
    if (!result && kind == DIRECTORY) {
        char link[64], whole[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, whole, PATH_MAX - 1);
        if (n < 0) stop("a directory without a name");
        whole[n] = 0;
        char again[PATH_MAX];
        note(DIRECTORY_SYNCED, below(AT_FDCWD, whole, again), 0, 0, 0, 0);
    } else if (!result) {
        note(SYNCED, 0, file_of(fd), 0, 0, 0);
    }
    done(deed);
    pthread_mutex_unlock(&turn);
    errno = error;
    return result;
}
int fsync(int fd) {
    return sync_with(real_fsync, fd);
}
int fdatasync(int fd) {
    return sync_with(real_fdatasync, fd);
}

int rename(const char *from, const char *to) {
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    const char *old = below(AT_FDCWD, from, whole_from), *new = below(AT_FDCWD, to, whole_to);
    if (!old && !new) return real_rename(from, to);
    if (!old || !new) stop("a file is moved into or out of the directory that is watched");
    pthread_mutex_lock(&turn);
    int done = real_rename(from, to), error = errno;
    if (!done) note(RENAMED, old, 0, 0, new, strlen(new));
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

static int noted(int done, int kind, const char *path) {
    int error = errno;
    if (!done) note(kind, path, 0, 0, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}
int unlink(const char *name) {
    char whole[PATH_MAX];
    const char *path = below(AT_FDCWD, name, whole);
    if (!path) return real_unlink(name);
    pthread_mutex_lock(&turn);
    return noted(real_unlink(name), UNLINKED, path);
}
int unlinkat(int dir, const char *name, int flags) {
    char whole[PATH_MAX];
    const char *path = below(dir, name, whole);
    if (!path) return real_unlinkat(dir, name, flags);
    pthread_mutex_lock(&turn);
    return noted(real_unlinkat(dir, name, flags), flags & AT_REMOVEDIR ? REMOVED_DIRECTORY : UNLINKED, path);
}
int mkdir(const char *name, mode_t mode) {
    char whole[PATH_MAX];
    const char *path = below(AT_FDCWD, name, whole);
    if (!path) return real_mkdir(name, mode);
    pthread_mutex_lock(&turn);
    return noted(real_mkdir(name, mode), MADE_DIRECTORY, path);
}
int rmdir(const char *name) {
    char whole[PATH_MAX];
    const char *path = below(AT_FDCWD, name, whole);
    if (!path) return real_rmdir(name);
    pthread_mutex_lock(&turn);
    return noted(real_rmdir(name), REMOVED_DIRECTORY, path);
}

ssize_t send(int fd, const void *data, size_t bytes, int flags) {
    SENDING(fd, real_send(fd, data, bytes, flags));
}
ssize_t sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *to, socklen_t len) {
    SENDING(fd, real_sendto(fd, data, bytes, flags, to, len));
}
ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    SENDING(fd, real_sendmsg(fd, message, flags));
}
int sendmmsg(int fd, struct mmsghdr *messages, unsigned many, int flags) {
    SENDING(fd, real_sendmmsg(fd, messages, many, flags));
}

/* Ways to change a file that the trace would not show. */
void *mmap64(void *at, size_t bytes, int rights, int flags, int fd, off_t place) {
    if (fd >= 0 && is_file(fd) && (rights & PROT_WRITE) && (flags & MAP_SHARED)) stop("a file is mapped to be written");
    if (!real_mmap) return (void *)syscall(SYS_mmap, at, bytes, rights, flags, fd, place);
    return real_mmap(at, bytes, rights, flags, fd, place);
}
void *mmap(void *at, size_t bytes, int rights, int flags, int fd, off_t place) {
    return mmap64(at, bytes, rights, flags, fd, place);
}
static int refuse(int fd, const char *why) {
    if (is_file(fd)) stop(why);
    errno = ENOSYS;
    return -1;
}
int fallocate64(int fd, int mode, off_t place, off_t bytes) {
    (void)mode, (void)place, (void)bytes;
    return refuse(fd, "a file is allocated");
}
int posix_fallocate64(int fd, off_t place, off_t bytes) {
    (void)place, (void)bytes;
    return refuse(fd, "a file is allocated") ? ENOSYS : 0;
}
ssize_t copy_file_range(int from, off_t *at, int to, off_t *place, size_t bytes, unsigned flags) {
    (void)from, (void)at, (void)place, (void)bytes, (void)flags;
    return refuse(to, "a file is copied within the kernel");
}
ssize_t sendfile64(int to, int from, off_t *place, size_t bytes) {
    (void)from, (void)place, (void)bytes;
    return refuse(to, "a file is copied within the kernel");
}
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    if (from_dir != AT_FDCWD || to_dir != AT_FDCWD || flags) stop("a file is renamed in a way that is not traced");
    return rename(from, to);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!real_clock) return syscall(SYS_clock_gettime, clock, time);
    int result = real_clock(clock, time);
    int64_t moved = page ? page[AT_CLOCK_MS] : 0;
    if (!result && moved && clock == CLOCK_REALTIME) {
        int64_t ns = time->tv_nsec + (moved % 1000) * 1000000;
        time->tv_sec += moved / 1000 + (ns < 0 ? -1 : ns / 1000000000);
        time->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
    }
    return result;
}
