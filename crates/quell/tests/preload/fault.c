/*
 * What goes wrong between a daemon and its disk, for `tests/it/fault.rs`: loaded in front of the C library (LD_PRELOAD), so that the daemon
 * under test is the one that ships, without a switch inside.
 *
 * Only files under FAULT_DIR count, and not what the program says on its standard output and error.
 *   FAULT_AT=n, FAULT_WHEN=before|after   the process is killed (SIGKILL) at its n-th flush: before the disk has it, or right after
 *   FAULT_FULL=path                       while this file exists, what would make a file longer fails for lack of room
 *   FAULT_FLUSH=path                      while this file exists, flushes fail with an input/output error
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int concerns_us(int fd)
{
    const char *folder = getenv("FAULT_DIR");
    char link[64], path[4096];
    ssize_t length;

    /* What the program says must be heard also on a full disk. */
    if (folder == NULL || fd <= STDERR_FILENO)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0;
}

static int is_on(const char *variable)
{
    const char *path = getenv(variable);

    return path != NULL && access(path, F_OK) == 0;
}

static int flush(int fd, long call)
{
    static long flushes;
    const char *at = getenv("FAULT_AT"), *when = getenv("FAULT_WHEN");
    int is_last, result;

    if (!concerns_us(fd))
        return (int)syscall(call, fd);
    if (is_on("FAULT_FLUSH")) {
        errno = EIO;
        return -1;
    }
    is_last = at != NULL && __sync_add_and_fetch(&flushes, 1) == atol(at);
    if (is_last && (when == NULL || strcmp(when, "before") == 0))
        kill(getpid(), SIGKILL);
    result = (int)syscall(call, fd);
    if (is_last)
        kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

static int is_too_much(int fd, off_t end)
{
    struct stat file;

    return is_on("FAULT_FULL") && concerns_us(fd) && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && end > file.st_size;
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    if (is_on("FAULT_FULL") && is_too_much(fd, lseek(fd, 0, SEEK_CUR) + (off_t)count)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset)
{
    if (is_too_much(fd, offset + (off_t)count)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
    return pwrite64(fd, bytes, count, offset);
}
