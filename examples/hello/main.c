#include "greeting.h"

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2)
		return greet("world");
	for (int i = 1; i < argc; i++)
		failed |= greet(argv[i]);
	return failed;
}
