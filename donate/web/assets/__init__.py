"""Style sheets, scripts and images: named by their content, compressed, and each region's own."""
