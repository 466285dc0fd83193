/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT, SIGTERM and SIGHUP: the first asks the running operation to stop and clean up, the second
 * ends the program at once. Either way the program dies by the signal, so that its caller can tell.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

void signals_install(void);
const int *signals_cancel_flag(void); /* for bfc_hooks */
int signals_received(void);           /* number of the signal, or 0 */
_Noreturn void signals_die(int number);

#endif
