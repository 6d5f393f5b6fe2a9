#include "greeting.h"

#include <stdio.h>

int greet(const char *name)
{
	return printf("Hello, %s!\n", name) < 0;
}
