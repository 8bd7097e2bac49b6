"""What every problem means, what to do about it, and how to provoke it in the sandbox: data, and the pages of it."""
