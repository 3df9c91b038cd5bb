"""The system calls that a command may make, by families: whatever is neither here nor in the table of what is judged is refused.

Standard library only. Each name with its number on x86_64 and in the generic table that aarch64 uses; `-` where it does not
exist. What a later kernel adds is unknown, and programs are told so (ENOSYS): they fall back, as on an older kernel.
"""

from __future__ import annotations

FAMILIES = {
    "contents of files": (
        "read 0 63, write 1 64, readv 19 65, writev 20 66, pread64 17 67, pwrite64 18 68, preadv 295 69, pwritev 296 70, "
        "preadv2 327 286, pwritev2 328 287, lseek 8 62, sendfile 40 71, splice 275 76, tee 276 77, vmsplice 278 75, "
        "copy_file_range 326 285, readahead 187 213, fadvise64 221 223, fallocate 285 47, truncate 76 45, ftruncate 77 46, "
        "sync 162 81, syncfs 306 267, fsync 74 82, fdatasync 75 83, sync_file_range 277 84"
    ),
    "names of files": (
        "open 2 -, openat 257 56, openat2 437 437, creat 85 -, link 86 -, linkat 265 37, unlink 87 -, unlinkat 263 35, "
        "symlink 88 -, symlinkat 266 36, rename 82 -, renameat 264 38, renameat2 316 276, mkdir 83 -, mkdirat 258 34, "
        "rmdir 84 -, mknod 133 -, mknodat 259 33, readlink 89 -, readlinkat 267 78, getdents 78 -, getdents64 217 61, "
        "getcwd 79 17, chdir 80 49, fchdir 81 50, name_to_handle_at 303 264, umask 95 166"
    ),
    "what is known of files": (
        "access 21 -, faccessat 269 48, faccessat2 439 439, stat 4 -, lstat 6 -, fstat 5 80, newfstatat 262 79, "
        "statx 332 291, statfs 137 43, fstatfs 138 44, ustat 136 -, sysfs 139 -, getxattr 191 8, lgetxattr 192 9, "
        "fgetxattr 193 10, getxattrat 464 464, listxattr 194 11, llistxattr 195 12, flistxattr 196 13, "
        "listxattrat 465 465, cachestat 451 451"
    ),
    "descriptors": (
        "close 3 57, close_range 436 436, dup 32 23, dup2 33 -, dup3 292 24, flock 73 32, pipe 22 -, pipe2 293 59, "
        "poll 7 -, ppoll 271 73, select 23 -, pselect6 270 72, epoll_create 213 -, epoll_create1 291 20, epoll_ctl 233 21, "
        "epoll_wait 232 -, epoll_pwait 281 22, epoll_pwait2 441 441, eventfd 284 -, eventfd2 290 19, signalfd 282 -, "
        "signalfd4 289 74, timerfd_create 283 85, timerfd_gettime 287 87, timerfd_settime 286 86, inotify_init 253 -, "
        "inotify_init1 294 26, inotify_rm_watch 255 28, fanotify_mark 301 263"
    ),
    "asynchronous input and output": (
        "io_setup 206 0, io_destroy 207 1, io_submit 209 2, io_cancel 210 3, io_getevents 208 4, io_pgetevents 333 292"
    ),
    "memory": (
        "brk 12 214, mmap 9 222, munmap 11 215, mprotect 10 226, mremap 25 216, msync 26 227, mincore 27 232, "
        "madvise 28 233, mlock 149 228, mlock2 325 284, munlock 150 229, mlockall 151 230, munlockall 152 231, "
        "remap_file_pages 216 234, memfd_create 319 279, mseal 462 462, map_shadow_stack 453 453, pkey_alloc 330 289, "
        "pkey_free 331 290, pkey_mprotect 329 288, mbind 237 235, get_mempolicy 239 236, set_mempolicy 238 237, "
        "set_mempolicy_home_node 450 450, membarrier 324 283"
    ),
    "processes": (
        "clone 56 220, fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, exit 60 93, exit_group 231 94, "
        "wait4 61 260, waitid 247 95, getpid 39 172, getppid 110 173, gettid 186 178, getpgid 121 155, getpgrp 111 -, "
        "setpgid 109 154, getsid 124 156, setsid 112 157, pidfd_open 434 434, unshare 272 97, personality 135 92, "
        "prctl 157 167, arch_prctl 158 -, set_tid_address 218 96, getrusage 98 165, getrlimit 97 163, setrlimit 160 164, "
        "getpriority 140 141, ioprio_get 252 31, times 100 153, restart_syscall 219 128, pause 34 -"
    ),
    "scheduling": (
        "sched_yield 24 124, sched_getaffinity 204 123, sched_getattr 315 275, sched_getparam 143 121, "
        "sched_getscheduler 145 120, sched_get_priority_max 146 125, sched_get_priority_min 147 126, "
        "sched_rr_get_interval 148 127, getcpu 309 168"
    ),
    "threads": (
        "futex 202 98, futex_waitv 449 449, futex_wake 454 454, futex_wait 455 455, futex_requeue 456 456, "
        "set_robust_list 273 99, get_robust_list 274 100, rseq 334 293"
    ),
    "signals": (
        "rt_sigaction 13 134, rt_sigpending 127 136, rt_sigprocmask 14 135, rt_sigreturn 15 139, rt_sigsuspend 130 133, "
        "rt_sigtimedwait 128 137, sigaltstack 131 132, alarm 37 -, getitimer 36 102, setitimer 38 103"
    ),
    "time": (
        "time 201 -, gettimeofday 96 169, clock_gettime 228 113, clock_getres 229 114, clock_nanosleep 230 115, "
        "nanosleep 35 101, adjtimex 159 171, clock_adjtime 305 266, timer_create 222 107, timer_delete 226 111, "
        "timer_getoverrun 225 109, timer_gettime 224 108, timer_settime 223 110"
    ),
    "who one is": (
        "getuid 102 174, geteuid 107 175, getgid 104 176, getegid 108 177, getresuid 118 148, getresgid 120 150, "
        "getgroups 115 158, setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143, setresuid 117 147, "
        "setresgid 119 149, setfsuid 122 151, setfsgid 123 152, setgroups 116 159, capget 125 90, capset 126 91"
    ),
    "sockets": (
        "socket 41 198, socketpair 53 199, bind 49 200, listen 50 201, accept 43 202, accept4 288 242, getsockname 51 204, "
        "getpeername 52 205, getsockopt 55 209, setsockopt 54 208, shutdown 48 210, sendto 44 206, sendmsg 46 211, "
        "sendmmsg 307 269, recvfrom 45 207, recvmsg 47 212, recvmmsg 299 243"
    ),
    "between processes": (
        "shmdt 67 197, mq_getsetattr 245 185, mq_notify 244 184, mq_timedreceive 243 183, mq_timedsend 242 182"
    ),
    "walls of one's own": (
        "seccomp 317 277, landlock_create_ruleset 444 444, landlock_add_rule 445 445, landlock_restrict_self 446 446, "
        "lsm_get_self_attr 459 459, lsm_list_modules 461 461"
    ),
    "the machine": ("uname 63 160, sysinfo 99 179, getrandom 318 278, uretprobe 335 -, uprobe 336 -"),
}


def allowed() -> dict[str, tuple[int | None, int | None]]:
    """Each name with its two numbers."""
    rows = (each.split() for family in FAMILIES.values() for each in family.split(", "))
    return {name: (_number(first), _number(second)) for name, first, second in rows}


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)
