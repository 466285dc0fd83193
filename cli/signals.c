/* SPDX-License-Identifier: Apache-2.0 */
/* The program's only mutable global: a signal handler can be handed nothing else. */
#include "signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static int received; /* number of the first signal */

static const int handled[] = {SIGINT, SIGTERM, SIGHUP};

static void on_signal(int number)
{
    int none = 0;
    if (__atomic_compare_exchange_n(&received, &none, number, 0, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED))
        return;
    /* Once more, while cleaning up: it is delivered when this handler returns. */
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void signals_install(void)
{
    (void)signal(SIGCHLD,
                 SIG_DFL); /* a parent may have ignored it; programs that we run are waited for */
    for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) {
        struct sigaction action = {.sa_handler = on_signal};
        struct sigaction old;
        (void)sigemptyset(&action.sa_mask);
        /* No SA_RESTART: a write into a full pipe has to come back. What was ignored stays ignored
         * (nohup). */
        if (sigaction(handled[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(handled[i], &action, NULL);
    }
}

const int *signals_cancel_flag(void)
{
    return &received;
}

int signals_received(void)
{
    return __atomic_load_n(&received, __ATOMIC_RELAXED);
}

_Noreturn void signals_die(int number)
{
    sigset_t set;
    (void)signal(number, SIG_DFL);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, number);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)raise(number);
    _exit(128 + number);
}
