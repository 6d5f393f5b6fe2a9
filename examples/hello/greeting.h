#ifndef GREETING_H
#define GREETING_H

/* Writes a greeting for NAME to standard output; returns 0 when it could. */
int greet(const char *name);

#endif
