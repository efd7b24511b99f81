@echo off
rem Collects with built-in commands alone what certcensus reads of this machine: stores with their keys, providers,
rem bindings and the registry's stores. Nothing is changed, and no key is exported.
rem
rem   census.cmd [FOLDER]      writes to FOLDER\COMPUTERNAME (default: the folder at hand)
rem
rem Run it elevated once for the machine, and as each user for the user's store. Then, for a folder of many machines:
rem   certcensus scan FOLDER --client-from dir:1 -o REPORT
rem Not yet run on Windows by its authors.
setlocal
set "OUT=%~1"
if "%OUT%"=="" set "OUT=."
set "OUT=%OUT%\%COMPUTERNAME%"
if not exist "%OUT%" mkdir "%OUT%"
certutil -Unicode -csplist > "%OUT%\csplist.txt" 2>&1
for %%S in (My Root CA TrustedPeople Request) do certutil -Unicode -gmt -seconds -silent -v -store %%S > "%OUT%\machine-%%S.txt" 2>&1
certutil -Unicode -gmt -seconds -silent -v -store -enterprise My > "%OUT%\enterprise-My.txt" 2>&1
certutil -Unicode -gmt -seconds -silent -v -user -store My > "%OUT%\user-%USERNAME%-My.txt" 2>&1
netsh http show sslcert > "%OUT%\sslcert.txt" 2>&1
reg export HKLM\SOFTWARE\Microsoft\SystemCertificates "%OUT%\machine-stores.reg" /y > nul 2>&1
reg export HKLM\SOFTWARE\Microsoft\Cryptography\Calais "%OUT%\calais.reg" /y > nul 2>&1
reg export HKLM\SOFTWARE\Microsoft\Cryptography\Defaults\Provider "%OUT%\providers.reg" /y > nul 2>&1
wevtutil qe System /f:xml "/q:*[System[(EventID=624)]]" > "%OUT%\events-624.xml" 2>&1
echo %OUT%
endlocal
