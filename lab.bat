@echo off
rem What `make lab` does, for Windows: installs into .venv, once and when requirements.txt has changed, then opens your
rem copies of the notebooks in my-work. `lab notebooks` opens the project's own.
cd /d "%~dp0"
for %%v in (3.13 3.12 3.11) do if not exist .venv\Scripts\python.exe py -%%v -m venv .venv 2>nul
if not exist .venv\Scripts\python.exe (
    echo Python 3.11, 3.12 or 3.13 is needed: install it from python.org, then run lab again.
    pause
    exit /b 1
)
fc /b requirements.txt .venv\installed.txt >nul 2>nul || (
    echo Installing the packages of requirements.txt into .venv: some minutes, this once.
    .venv\Scripts\python -m pip install -q -r requirements.txt || exit /b 1
    .venv\Scripts\python -m pip install -q --no-deps -e . || exit /b 1
    copy requirements.txt .venv\installed.txt >nul
)
set JUPYTER_CONFIG_DIR=%CD%\.venv\var\jupyter\config
set JUPYTER_DATA_DIR=%CD%\.venv\var\jupyter\data
set IPYTHONDIR=%CD%\.venv\var\ipython
set MPLCONFIGDIR=%CD%\.venv\var\matplotlib
.venv\Scripts\python notebooks\start.py %*
