/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one blob of a container to stdout:  blob_probe FILE NAME */
#include <stdio.h>
#include <stdlib.h>

#include <bfc/bfc.h>

int main(int argc, char **argv)
{
    bfc_reader *reader = NULL;
    uint8_t *bytes = NULL;
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    if (argc != 3)
        return 2;
    int rc = bfc_reader_open(argv[1], NULL, &reader, &err);
    if (rc == 0)
        rc = bfc_reader_blob(reader, argv[2], &bytes, &len, &err);
    if (rc == 0 && (fwrite(bytes, 1, len, stdout) != len || fflush(stdout) != 0))
        rc = -1;
    if (err.msg[0])
        (void)fprintf(stderr, "%s\n", err.msg);
    bfc_reader_close(reader);
    free(bytes);
    return rc == 0 ? 0 : 1;
}
