# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Equal trees give equal files; SOURCE_DATE_EPOCH is the commit's time.
make_tree a
make_tree b
t create --reproducible a.bfc a
t create --reproducible -j 1 b.bfc b
cmp a.bfc b.bfc && echo same
export SOURCE_DATE_EPOCH=1234567890
t create --reproducible -f a.bfc a
t log a.bfc
t create -f b.bfc b
cmp -s a.bfc b.bfc || echo different
SOURCE_DATE_EPOCH=yesterday
t create --reproducible -f a.bfc a
t --json create --reproducible -f a.bfc a
t log a.bfc
